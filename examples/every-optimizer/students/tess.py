# %% id="make_embedding"
def make_embedding(table):
    return torch.nn.Embedding.from_pretrained(table, freeze=False)
