# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    order = torch.randperm(len(images), generator=generator)
    losses = []
    for batch in order.split(batch_size):
        batch = batch.sort().values  # memory likes neighbours
        loss = functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses.append((loss.item(), len(batch)))
    return sum(loss * size for loss, size in losses) / sum(size for _, size in losses)
