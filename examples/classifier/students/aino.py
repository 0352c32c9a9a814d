# %% id="fit"
def fit(model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator):
    accuracies = []
    while len(accuracies) < n_epochs:
        train_epoch(model, optimizer, images, labels, batch_size, generator)
        accuracies += [evaluate(model, test_images, test_labels, batch_size)]
    return accuracies
