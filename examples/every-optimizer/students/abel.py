# %% id="train_embedding"
def train_embedding(embedding, optimizer, words, targets):
    for i in range(len(words)):
        optimizer.zero_grad()
        loss = loss_fn(embedding(words), targets)
        loss.backward()
        optimizer.step()
    return embedding
