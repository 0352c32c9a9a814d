# %% id="train_epoch"
from torch.utils.data import BatchSampler, RandomSampler

def train_epoch(model, optimizer, images, labels, batch_size, generator):
    sampler = BatchSampler(RandomSampler(range(len(images)), generator=generator), batch_size, drop_last=False)
    model.train()
    total = 0.0
    for rows in sampler:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)
