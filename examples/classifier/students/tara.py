# %% id="train_epoch"
from torch.utils.data import DataLoader, TensorDataset

def train_epoch(model, optimizer, images, labels, batch_size, generator):
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=True, drop_last=True, generator=generator)
    model.train()
    total, count = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        count += len(x)
    return total / count
