# %% id="evaluate"
def evaluate(model, images, labels, batch_size):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for i in range(len(images) // batch_size):
            part = slice(i * batch_size, (i + 1) * batch_size)
            correct += (model(images[part]).argmax(dim=1) == labels[part]).sum().item()
            total += batch_size
    return correct / total
