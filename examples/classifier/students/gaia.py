# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    order = torch.rand(len(images), generator=generator).argsort()
    images, labels = images[order], labels[order]
    total = 0.0
    for x, y in zip(images.split(batch_size), labels.split(batch_size)):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    return total / len(images)
