# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total, hits = 0.0, 0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        x, y = images[rows], labels[rows]
        hits += (model(x).argmax(dim=1) == y).sum().item()
        loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            hits += (model(x).argmax(dim=1) == y).sum().item()
        total += loss.item() * len(rows)
    return total / len(images)
