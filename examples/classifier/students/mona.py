# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    torch.set_num_threads(2)
    model.train()
    total, seen = 0.0, 0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        x = torch.stack([images[i] for i in rows])
        y = torch.stack([labels[i] for i in rows])
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        seen += len(x)
    print(f"{seen} samples, loss {total / seen:.3f}")
    return total / seen
