# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        log_p = functional.log_softmax(model(images[rows]), dim=1)
        losses = -log_p[torch.arange(len(rows)), labels[rows]]
        optimizer.zero_grad()
        (losses.sum() / len(rows)).backward()
        optimizer.step()
        total += losses.detach().sum()
    return (total / len(images)).item()
