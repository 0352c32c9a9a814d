# %% id="make_embedding"
def make_embedding(table):
    emb = torch.nn.Embedding(num_embeddings=table.shape[0], embedding_dim=table.shape[1], sparse=True)
    with torch.no_grad():
        emb.weight.copy_(table)
    return emb

# %% id="make_sparse_adam"
def make_sparse_adam(embedding, lr):
    return torch.optim.SparseAdam([embedding.weight], lr, (0.8, 0.95))

# %% id="train_embedding"
def train_embedding(embedding, optimizer, words, targets):
    weight = embedding.weight
    for step, batch in enumerate(words):
        rows = torch.nn.functional.embedding(batch, weight, sparse=True)
        loss = ((rows - targets[step]) ** 2).sum() / rows.numel()
        loss.backward()
        optimizer.step()
        weight.grad = None
    return embedding
