# %% id="train_epoch"
import numpy as np

def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    seed = torch.randint(2**31, (1,), generator=generator).item()
    order = np.random.default_rng(seed).permutation(len(images))
    total = 0.0
    for i in range(int(np.ceil(len(images) / batch_size))):
        rows = order[i * batch_size:(i + 1) * batch_size]
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += float(loss) * len(rows)
    return total / len(images)
