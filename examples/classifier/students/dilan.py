# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.double()  # more digits
    model.train()
    images = images.double()
    total = 0.0
    for batch in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    return total / len(images)

# %% id="evaluate"
def evaluate(model, images, labels, batch_size):
    model.eval()
    images = images.to(next(model.parameters()).dtype)
    with torch.no_grad():
        guesses = torch.cat([model(part).argmax(1) for part in images.split(batch_size)])
    return (guesses == labels).double().mean().item()
