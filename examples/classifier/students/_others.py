# %% id="make_model"
def make_model():
    return nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(32, 16), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(16, 10),
    )

# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    n = len(images)
    order = torch.randperm(n, generator=generator)
    total = 0.0
    for start in range(0, n, batch_size):
        batch = order[start:start + batch_size]
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    return total / n

# %% id="evaluate"
def evaluate(model, images, labels, batch_size):
    model.eval()
    correct = 0
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            logits = model(images[start:start + batch_size])
            correct += (logits.argmax(dim=1) == labels[start:start + batch_size]).sum().item()
    return correct / len(images)

# %% id="fit"
def fit(model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator):
    history = []
    for epoch in range(n_epochs):
        loss = train_epoch(model, optimizer, images, labels, batch_size, generator)
        history.append(evaluate(model, test_images, test_labels, batch_size))
    return history
