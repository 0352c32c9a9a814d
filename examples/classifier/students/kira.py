# %% id="make_model"
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in ((64, 32), (32, 16), (16, 10))])
        self.drop = nn.Dropout(p=0.2)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.drop(torch.relu(layer(x)))
        return self.layers[-1](x)

def make_model():
    return Net()

# %% id="train_epoch"
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = functional.cross_entropy(model.forward(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)
