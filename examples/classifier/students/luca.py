# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train(True)
    for p in model.parameters():
        p.grad = None
    order = torch.randperm(len(images), generator=generator).tolist()
    total = 0.0
    while order:
        rows, order = order[:batch_size], order[batch_size:]
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item() * len(rows)
    return total / len(images)
