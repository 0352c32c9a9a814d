# %% id="make_model"
class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(16, 10)
        self.hidden2 = nn.Linear(32, 16)
        self.hidden1 = nn.Linear(64, 32)

    def forward(self, x):
        x = functional.dropout(functional.relu(self.hidden1(x)), 0.2, self.training)
        x = functional.dropout(functional.relu(self.hidden2(x)), 0.2, self.training)
        return self.out(x)

def make_model():
    return Digits()
