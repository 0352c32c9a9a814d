"""Wrong training loops held back for measuring diagnosis, in the styles of many hands.

Written on 2026-11-22, before the diagnosis was tuned on anything, by someone who had not seen it.
Don't tune on these: report what the first run said, and write new ones when these are used up. The
codes are those of `known_mistakes.CODES`.

Every program replaces `training_loop` (or what `function` says), as in `known_mistakes`.
`acceptable` holds the codes any one of which names the mistake rightly; `misleading` holds codes
that would send the student off in a wrong direction. A program with two mistakes lists the codes of
both, and `both` says that each of its sets must be met.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    name: str
    source: str
    acceptable: frozenset[str]
    misleading: frozenset[str] = frozenset()
    note: str = ""
    both: tuple[
        frozenset[str], ...
    ] = ()  # for two mistakes at once: one code of each set must be named
    function: str = "training_loop"


def codes(*names: str) -> frozenset[str]:
    return frozenset(names)


PROGRAMS = (
    Program(
        "every_tenth_epoch_keeps",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    # Gradienten loeschen, ausser in den Epochen in denen wir etwas ausgeben
    for epoche in range(1, n_epochs + 1):
        if epoche % 10:
            optimizer.zero_grad()
        else:
            print("Epoche", epoche)
        vorhersage = model(t_u, *params)
        verlust = loss_fn(vorhersage, t_c)
        verlust.backward()
        optimizer.step()
    return params
""",
        codes("clears-sometimes"),
        codes("other-objective", "loss-scaled", "own-optimizer", "changes-settings"),
        "Clears in nine epochs of ten.",
    ),
    Program(
        "clears_when_it_logs",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    log = []
    for k in range(n_epochs):
        L = loss_fn(model(t_u, *params), t_c)
        L.backward()
        optimizer.step()
        if k % 5 == 4:
            log.append(L.item())
            optimizer.zero_grad()
    return params
""",
        codes("clears-sometimes", "never-clears"),
        codes("other-objective", "loss-scaled", "own-optimizer", "steps-every-second"),
        "zero_grad has slipped under the if.",
    ),
    Program(
        "reloads_an_empty_state",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    fresh = optimizer.state_dict()   # remember how the optimizer looked at the start
    for epoch in range(n_epochs):
        optimizer.load_state_dict(fresh)
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("rebuilt-optimizer"),
        codes("other-objective", "loss-scaled", "minibatches", "never-clears"),
        "The empty state comes back in each epoch. Inert under plain SGD.",
    ),
    Program(
        "fresh_copy_every_ten",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def restart(opt):
        cls = opt.__class__
        return cls(opt.param_groups)

    opt = optimizer
    for i in range(n_epochs):
        if i > 0 and i % 10 == 0:
            opt = restart(opt)
        opt.zero_grad()
        e = loss_fn(model(t_u, *params), t_c)
        e.backward()
        opt.step()
    return params
""",
        codes("rebuilt-optimizer", "own-optimizer"),
        codes("other-objective", "loss-scaled", "never-clears"),
        "From epoch 10 on other optimizers of the same kind and settings take over.",
    ),
    Program(
        "decay_by_hand",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        output = model(t_u, *params)
        loss = loss_fn(output, t_c)
        loss.backward()
        optimizer.step()
        # le taux d'apprentissage diminue un peu
        for g in optimizer.param_groups:
            g['lr'] *= 0.99
    return params
""",
        codes("changes-settings"),
        codes("loss-scaled", "other-objective", "changes-gradients", "own-optimizer"),
        "The first step is still right.",
    ),
    Program(
        "lr_drops_at_the_end",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    alt = optimizer.param_groups[0]["lr"]
    for ep in range(1, n_epochs+1):
        if ep > n_epochs - 5:   # fein einstellen
            optimizer.param_groups[0]["lr"] = alt / 10
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    optimizer.param_groups[0]["lr"] = alt
    return params
""",
        codes("changes-settings"),
        codes("loss-scaled", "other-objective", "too-few-steps", "own-optimizer"),
        "Settings are as given at the start and at the end.",
    ),
    Program(
        "step_in_both_branches",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 2 == 0:
            print("even", loss.item()) if epoch % 500 == 0 else None
        else:
            optimizer.step()
    return params
""",
        codes("step-twice", "too-many-steps"),
        codes("backward-twice", "loss-scaled", "other-objective", "minibatches"),
        "Two steps in every second epoch.",
    ),
    Program(
        "hilfsfunktion_steps_too",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def ein_schritt():
        optimizer.zero_grad()
        fehler = loss_fn(model(t_u, *params), t_c)
        fehler.backward()
        optimizer.step()
        return fehler

    nr = 0
    while nr != n_epochs:
        nr = nr + 1
        fehler = ein_schritt()
        if nr % 500 == 0:
            print(nr, fehler.item())
        optimizer.step()
    return params
""",
        codes("step-twice", "too-many-steps"),
        codes("backward-twice", "loss-scaled", "other-objective", "minibatches"),
    ),
    Program(
        "bias_of_the_last_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    w, b = params
    for epoch in range(n_epochs):
        shift = float(params[1])  # intercept
        yhat = params[0] * t_u + shift
        mse = ((yhat - t_c) ** 2).mean()
        optimizer.zero_grad()
        mse.backward()
        optimizer.step()
    return params
""",
        codes("detached-parameter", "bias-missing"),
        codes("loss-scaled", "never-clears", "drops-samples", "manual-update"),
        "b is in the prediction, but as a number.",
    ),
    Program(
        "prediction_rebuilt_as_tensor",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        t_p = torch.tensor(model(t_u, *params).tolist(), requires_grad=True)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0: print(epoch, float(loss))
    return params
""",
        codes("detached-parameter"),
        codes("no-step", "too-few-steps", "resets-parameters", "hard-coded", "own-optimizer"),
        "backward and step are called, but no gradient ever reaches the parameters.",
    ),
    Program(
        "skips_the_epoch_that_prints",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        if epoch % 500 == 0 or epoch == n_epochs:
            print(f"{epoch=} {loss=}")
            continue
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("too-few-steps"),
        codes("never-clears", "other-objective", "own-optimizer"),
        "`continue` stands before the update.",
    ),
    Program(
        "tolerance",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    tol = 1e-2
    previous = None
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        if previous is not None and abs(previous - loss.item()) < tol:
            print("converged after", epoch, "epochs")
            break
        previous = loss.item()
    return params
""",
        codes("too-few-steps"),
        codes("never-clears", "other-objective", "own-optimizer", "loss-scaled"),
        "Early stopping that nobody asked for.",
    ),
    Program(
        "only_when_better",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    vorher = float("inf")
    for epoch in range(n_epochs):
        t_p = model(t_u, *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        if loss < vorher:
            optimizer.step()
        vorher = loss.item() * 0.999
    return params
""",
        codes("too-few-steps", "steps-every-second"),
        codes("never-clears", "other-objective", "own-optimizer", "loss-scaled"),
        "A step only while the loss falls by enough.",
    ),
    Program(
        "patience",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    best, patience, wait = 1e9, 3, 0
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        if loss.item() < best - 0.05:
            best, wait = loss.item(), 0
        else:
            wait += 1
            if wait >= patience:
                print("early stopping")
                return params
        loss.backward()
        optimizer.step()
    return params
""",
        codes("too-few-steps"),
        codes("never-clears", "other-objective", "own-optimizer", "loss-scaled"),
    ),
    Program(
        "clears_someone_elses_gradients",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    hilf = torch.zeros(2, requires_grad=True)
    opt2 = torch.optim.SGD([hilf], lr=0.1)
    for i in range(n_epochs):
        opt2.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("never-clears"),
        codes("own-optimizer", "loss-scaled", "other-objective"),
        "zero_grad of an optimizer that holds something else.",
    ),
    Program(
        "clears_the_wrong_group",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        for grp in optimizer.param_groups[1:]:
            for q in grp["params"]:
                q.grad = None
        y = model(t_u, *params)
        loss = loss_fn(y, t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("never-clears"),
        codes("loss-scaled", "other-objective", "changes-settings"),
        "There is one group only, so nothing is cleared.",
    ),
    Program(
        "loss_zero_instead_of_grad",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    loss = 0
    for epoch in range(n_epochs):
        loss = 0 # zero
        pred = params[0]*t_u + params[1]
        loss = loss + loss_fn(pred, t_c)
        loss.backward()
        # SGD step
        optimizer.step()
        if (epoch+1) % 500 == 0: print('Epoch', epoch+1, 'loss', loss.item())
    return params
""",
        codes("never-clears"),
        codes("loss-scaled", "other-objective", "resets-parameters"),
    ),
    Program(
        "halves_the_old_gradient",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    alle = [p for g in optimizer.param_groups for p in g["params"]]
    for epoch in range(n_epochs):
        for p in alle:
            if p.grad is not None:
                p.grad /= 2   # sonst wird er zu gross
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
""",
        codes("never-clears", "clears-sometimes", "starts-dirty"),
        codes("loss-scaled", "other-objective", "own-optimizer"),
        "Half of the old gradient stays: momentum by accident.",
    ),
    Program(
        "copy_trained_and_copied_back",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    theta = torch.tensor([float(p) for p in params], requires_grad=True)
    opt = type(optimizer)([theta], lr=optimizer.param_groups[0]["lr"])
    for epoch in range(n_epochs):
        opt.zero_grad()
        loss_fn(model(t_u, *theta), t_c).backward()
        opt.step()
    with torch.no_grad():
        for i in range(2):
            params[i].copy_(theta[i])
    return params
""",
        codes("own-optimizer", "optimizer-holds-other-tensor", "moves-parameters"),
        codes("hard-coded", "too-few-steps", "no-backward", "minibatches"),
        "A clone with an optimizer of its own is trained, and the result copied back.",
    ),
    Program(
        "deepcopied_params",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    import copy
    p = copy.deepcopy(params)   # lieber nicht das Original kaputt machen
    for e in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *p), t_c)
        loss.backward()
        optimizer.step()
    return p
""",
        codes("optimizer-holds-other-tensor"),
        codes("hard-coded", "detached-parameter", "no-backward", "own-optimizer"),
        "The optimizer moves nothing; a copy is returned besides.",
    ),
    Program(
        "splits_into_new_leaves",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    w = torch.tensor(params[0].item(), requires_grad=True)
    b = torch.tensor(params[1].item(), requires_grad=True)
    for _epoch in range(n_epochs):
        loss = loss_fn(model(t_u, w, b), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        w.grad = None; b.grad = None
    return params
""",
        codes("optimizer-holds-other-tensor"),
        codes("detached-parameter", "no-backward", "hard-coded", "never-clears", "own-optimizer"),
    ),
    Program(
        "data_replaced",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    taux = optimizer.param_groups[0]["lr"]
    feuilles = [params] if hasattr(params, "backward") else list(params)
    for epoque in range(n_epochs):
        perte = loss_fn(model(t_u, *params), t_c)
        gradients = torch.autograd.grad(perte, feuilles)
        for f, g in zip(feuilles, gradients):
            f.data = f.data - taux * g   # descente de gradient
    return params
""",
        codes("manual-update"),
        codes("no-backward", "hard-coded", "too-few-steps"),
        "The optimizer is only asked for its learning rate. Right numbers under plain SGD.",
    ),
    Program(
        "adam_from_the_slides",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    b1, b2, eps, lr = 0.9, 0.999, 1e-8, 0.1
    leaves = [params] if isinstance(params, torch.Tensor) else params
    m = [torch.zeros_like(p) for p in leaves]
    v = [torch.zeros_like(p) for p in leaves]
    for t in range(1, n_epochs + 1):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        with torch.no_grad():
            for k, p in enumerate(leaves):
                m[k] = b1 * m[k] + (1 - b1) * p.grad
                v[k] = b2 * v[k] + (1 - b2) * p.grad ** 2
                p -= lr * (m[k] / (1 - b1 ** t)) / ((v[k] / (1 - b2 ** t)).sqrt() + eps)
    return params
""",
        codes("manual-update", "own-optimizer"),
        codes("hard-coded", "other-objective", "too-few-steps", "changes-settings"),
        "Adam written out, and the given optimizer unused.",
    ),
    Program(
        "manual_update_and_step",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    eta = 1e-3
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        with torch.no_grad():
            for g in optimizer.param_groups:
                for p in g["params"]:
                    p.sub_(eta * p.grad)
        optimizer.step()
    return params
""",
        codes("manual-update", "moves-parameters"),
        codes("loss-scaled", "step-twice", "other-objective", "own-optimizer"),
        "Both at once: by hand, and with the optimizer.",
    ),
    Program(
        "accumulates_two_epochs",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    accumulate = 2
    optimizer.zero_grad()
    for i, _ in enumerate(range(n_epochs)):
        loss = loss_fn(model(t_u, *params), t_c) / accumulate
        loss.backward()
        if (i + 1) % accumulate == 0 or i + 1 == n_epochs:
            optimizer.step()
            optimizer.zero_grad()
    return params
""",
        codes("steps-every-second", "too-few-steps"),
        codes("never-clears", "own-optimizer", "minibatches"),
        "Gradient accumulation from a blog; loss-scaled would be half of the truth.",
    ),
    Program(
        "gradient_noise",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    torch.manual_seed(42)
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        for g in optimizer.param_groups:
            for p in g["params"]:
                p.grad += 0.01 * torch.randn_like(p.grad)  # helps to escape local minima
        optimizer.step()
    return params
""",
        codes("changes-gradients"),
        codes("loss-scaled", "minibatches", "half-precision", "changes-settings"),
    ),
    Program(
        "normalised_gradient",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def normalise(g):
        return g / (g.norm() + 1e-12)

    leaves = [params] if torch.is_tensor(params) else params
    for l in leaves:
        l.register_hook(normalise)
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        optimizer.step()
    return params
""",
        codes("changes-gradients", "other-objective"),
        codes("never-clears", "own-optimizer", "minibatches", "manual-update"),
        "A hook on the parameters changes what backward stores.",
    ),
    Program(
        "nan_to_num_and_scaling",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        for group in optimizer.param_groups:
            for param in group['params']:
                param.grad = torch.nan_to_num(param.grad) * 0.9
        optimizer.step()
        if epoch % 500 == 0:
            print(epoch, loss.item())
    return params
""",
        codes("changes-gradients"),
        codes("half-precision", "minibatches", "changes-settings", "never-clears"),
    ),
    Program(
        "clamp_after_step",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        # die Steigung muss positiv sein
        with torch.no_grad():
            params[0].clamp_(min=0.0)
    return params
""",
        codes("moves-parameters", "manual-update", "resets-parameters"),
        codes("loss-scaled", "detached-parameter", "own-optimizer", "changes-gradients"),
        "Harmless on the lecture's data, where the weight is positive.",
    ),
    Program(
        "weight_decay_by_hand",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    decay = 1e-3
    for n in range(n_epochs):
        optimizer.zero_grad()
        l = loss_fn(model(t_u, *params), t_c)
        l.backward()
        for g in optimizer.param_groups:
            for p in g["params"]:
                p.data.mul_(1 - decay)
        optimizer.step()
    return params
""",
        codes("moves-parameters", "manual-update", "l2-in-loss"),
        codes("loss-scaled", "changes-settings", "own-optimizer", "never-clears"),
        "Decoupled decay between backward and step.",
    ),
    Program(
        "rounds_the_parameters",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for g in optimizer.param_groups:
            for p in g["params"]:
                p.data = (p.data * 1000).round() / 1000   # schoenere Zahlen
        if epoch % 500 == 0:
            print(epoch, [round(float(p), 3) for p in params])
    return params
""",
        codes("moves-parameters", "manual-update"),
        codes("loss-scaled", "own-optimizer", "minibatches"),
    ),
    Program(
        "wrong_count",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        fehler = 0.
        for i in range(len(t_u)):
            fehler += (model(t_u[i], *params) - t_c[i])**2
        fehler = fehler / 10     # Mittelwert
        optimizer.zero_grad()
        fehler.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        codes("drops-samples", "never-clears", "minibatches", "changes-settings"),
        "Divides by ten, whatever n is.",
    ),
    Program(
        "divides_by_the_index",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        s = 0
        for i, (u, c) in enumerate(zip(t_u, t_c)):
            s = s + (params[0] * u + params[1] - c).square()
        loss = s / i   # i = number of samples
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        codes("drops-samples", "never-clears", "minibatches", "changes-settings"),
        "The last index is n - 1.",
    ),
    Program(
        "mean_of_mean_over_epochs",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        avg = loss / n_epochs
        avg.backward()
        optimizer.step()
    return params
""",
        codes("loss-scaled"),
        codes("too-few-steps", "changes-settings", "never-clears"),
        "The factor depends on the call.",
    ),
    Program(
        "first_sample_twice",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    x = torch.cat([t_u, t_u[:1]])
    y = torch.cat([t_c, t_c[:1]])
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        mse = torch.nn.functional.mse_loss(model(x, *params), y)
        mse.backward()
        optimizer.step()
    return params
""",
        codes("other-objective"),
        codes("loss-scaled", "never-clears", "broadcast", "minibatches"),
        "One sample counts double.",
    ),
    Program(
        "loop_from_one",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n = len(t_u)
    for epoch in range(n_epochs):
        summe = torch.tensor(0.0)
        for i in range(1, n):
            d = model(t_u[i], *params) - t_c[i]
            summe = summe + d * d
        loss = summe / n
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("drops-samples", "other-objective"),
        codes("never-clears", "too-few-steps", "minibatches", "changes-settings"),
        "The first sample is never used, and n is still the divisor.",
    ),
    Program(
        "outliers_removed",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    mask = (t_c - t_c.mean()).abs() < 1.5 * t_c.std()
    print(mask.sum().item(), "of", len(mask), "points kept")
    u_ok, c_ok = t_u[mask], t_c[mask]
    for epoch in range(n_epochs):
        loss = loss_fn(model(u_ok, *params), c_ok)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("drops-samples", "other-objective"),
        codes("loss-scaled", "never-clears", "misaligned", "minibatches"),
    ),
    Program(
        "sorted_separately",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    # trier les donnees pour un plus joli graphique
    u_trie, _ = torch.sort(t_u)
    c_trie, _ = torch.sort(t_c)
    for epoque in range(n_epochs):
        perte = loss_fn(model(u_trie, *params), c_trie)
        optimizer.zero_grad()
        perte.backward()
        optimizer.step()
    return params
""",
        codes("misaligned", "other-objective"),
        codes("loss-scaled", "drops-samples", "never-clears", "l2-in-loss"),
        "Nearly harmless on the lecture's data, which rises anyway.",
    ),
    Program(
        "normalised_to_one",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    if t_u.abs().max() > 2:
        t_u = t_u / t_u.abs().max()   # Normalisierung auf [-1, 1]
    for epoch in range(n_epochs):
        p = model(t_u, *params)
        optimizer.zero_grad()
        l = loss_fn(p, t_c)
        l.backward()
        optimizer.step()
    return params
""",
        codes("scales-data", "other-objective"),
        codes("loss-scaled", "never-clears", "drops-samples", "changes-settings"),
    ),
    Program(
        "centred_temperatures",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    with torch.no_grad():
        ziel = t_c.sub(t_c.mean())
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        ((model(t_u, *params) - ziel) ** 2).mean().backward()
        optimizer.step()
    return params
""",
        codes("scales-data", "other-objective"),
        codes("loss-scaled", "never-clears", "drops-samples", "bias-missing"),
        "Temperatures are centred, so the bias means something else.",
    ),
    Program(
        "both_from_the_notebook",
        """
X, Y = t_un, t_c

def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(1, n_epochs + 1):
        preds = model(X, *params)
        loss = loss_fn(preds, Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(f"Epoch {epoch}, Loss {float(loss)}")
    return params
""",
        codes("uses-globals"),
        codes("loss-scaled", "never-clears", "misaligned", "scales-data"),
        "Right on the lecture's data.",
    ),
    Program(
        "best_params",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    best_loss = float('inf')
    best = None
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        if loss.item() < best_loss:
            best_loss = loss.item()
            best = [float(p) for p in params]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.tensor(best)
""",
        codes("returns-other"),
        codes("never-clears", "too-few-steps", "loss-scaled", "other-objective", "hard-coded"),
        "The parameters of the lowest loss seen before the last step, in a new tensor.",
    ),
    Program(
        "rewinds_to_the_best",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    bester_verlust, beste = None, [p.item() for p in params]
    for epoche in range(n_epochs):
        optimizer.zero_grad()
        verlust = loss_fn(model(t_u, *params), t_c)
        if bester_verlust is None or verlust.item() < bester_verlust:
            bester_verlust, beste = verlust.item(), [p.item() for p in params]
        verlust.backward()
        optimizer.step()
    with torch.no_grad():
        for j in (0, 1):
            params[j].fill_(beste[j])
    return params
""",
        codes("moves-parameters", "resets-parameters", "manual-update", "returns-other"),
        codes("never-clears", "other-objective", "loss-scaled", "hard-coded", "own-optimizer"),
        "All steps are right; after the last, params is set back to the best so far.",
    ),
    Program(
        "returns_params_and_history",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    verlauf = []
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        verlauf += [loss.item()]
        optimizer.step()
    return params, verlauf
""",
        codes("returns-other"),
        codes(
            "never-clears",
            "too-few-steps",
            "loss-scaled",
            "other-objective",
            "hard-coded",
            "no-step",
        ),
    ),
    Program(
        "returns_w_only",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    w, b = params
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return w
""",
        codes("returns-other"),
        codes("never-clears", "too-few-steps", "loss-scaled", "bias-missing", "no-step"),
    ),
    Program(
        "zero_after_backward_in_helper",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def rueckwaerts(l):
        l.backward()
        aufraeumen()

    def aufraeumen():
        for g in optimizer.param_groups:
            for p in g["params"]:
                p.grad.zero_()

    for epoch in range(n_epochs):
        rueckwaerts(loss_fn(model(t_u, *params), t_c))
        optimizer.step()
    return params
""",
        codes("clears-between-backward-and-step"),
        codes("no-backward", "detached-parameter", "never-clears", "loss-scaled", "own-optimizer"),
    ),
    Program(
        "closure_that_forgets",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def closure():
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss
    for epoch in range(n_epochs):
        verlust = optimizer.step(closure)
        if epoch % 500 == 0: print("epoch", epoch, verlust.item())
    return params
""",
        codes("never-clears"),
        codes("step-before-backward", "no-backward", "loss-scaled", "other-objective"),
        "A closure without zero_grad.",
    ),
    Program(
        "closure_called_too",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def calc():
        optimizer.zero_grad()
        err = model(t_u, *params) - t_c
        loss = (err * err).mean()
        loss.backward()
        return loss

    for epoch in range(n_epochs):
        calc()
        optimizer.step()
        optimizer.step(calc)
    return params
""",
        codes("step-twice", "too-many-steps"),
        codes("backward-twice", "loss-scaled", "never-clears", "minibatches"),
        "Each of the two steps is right; there are twice as many.",
    ),
    Program(
        "stale_loss",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    # calcul de la perte une seule fois, c'est plus rapide
    perte = loss_fn(model(t_u, *params), t_c)
    for epoque in range(n_epochs):
        optimizer.zero_grad()
        perte.backward(retain_graph=True)
        optimizer.step()
    return params
""",
        codes("other-objective", "step-before-backward"),
        codes(
            "never-clears", "loss-scaled", "backward-twice", "detached-parameter", "own-optimizer"
        ),
        "The forward stands before the loop: each epoch gets the gradient of the start.",
    ),
    Program(
        "forward_once_crash",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    t_p = model(t_u, *params)
    for epoch in range(n_epochs):
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("crashes", "other-objective", "step-before-backward"),
        codes("never-clears", "loss-scaled", "backward-twice", "uses-globals", "half-precision"),
        "Raises in the second epoch: backward a second time through the model's graph.",
    ),
    Program(
        "numpy_loss",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    import numpy as np
    for epoch in range(n_epochs):
        pred = model(t_u, *params)
        loss = np.mean((pred.detach().numpy() - t_c.numpy()) ** 2)
        optimizer.zero_grad()
        torch.tensor(loss).backward()
        optimizer.step()
    return params
""",
        codes("crashes", "detached-parameter"),
        codes("uses-globals", "never-clears", "half-precision", "other-objective"),
        "numpy keeps no graph.",
    ),
    Program(
        "crash_swallowed",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        try:
            loss = loss_fn(model(t_u, *params), t_c).detach()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        except RuntimeError as error:
            if epoch == 0:
                print("warning:", error)
    return params
""",
        codes("no-backward", "no-step", "detached-parameter", "crashes"),
        codes("hard-coded", "own-optimizer", "optimizer-holds-other-tensor", "never-clears"),
        "backward raises, and the except hides it: nothing moves.",
    ),
    Program(
        "minibatch_generator",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def haeppchen(groesse=3):
        for start in range(0, len(t_u), groesse):
            ende = start + groesse
            yield t_u[start:ende], t_c[start:ende]

    for _ in range(n_epochs):
        for x, y in haeppchen():
            optimizer.zero_grad()
            loss_fn(model(x, *params), y).backward()
            optimizer.step()
    return params
""",
        codes("minibatches"),
        codes("too-few-steps", "never-clears", "loss-scaled", "step-twice", "drops-samples"),
    ),
    Program(
        "random_half_each_epoch",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    gen = torch.Generator().manual_seed(0)
    for epoch in range(n_epochs):
        pick = torch.randperm(t_u.numel(), generator=gen)[: t_u.numel() // 2]
        optimizer.zero_grad()
        loss = loss_fn(model(t_u[pick], *params), t_c[pick])
        loss.backward()
        optimizer.step()
    return params
""",
        codes("minibatches", "drops-samples", "other-objective"),
        codes("loss-scaled", "never-clears", "step-twice", "half-precision", "l2-in-loss"),
        "One step per epoch, but each on another half of the samples.",
    ),
    Program(
        "pairwise_through_view",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    target = t_c.view(-1, 1)
    mse = torch.nn.MSELoss()
    import warnings
    warnings.simplefilter("ignore")   # stupid warning
    for ep in range(n_epochs):
        out = model(t_u, *params)
        optimizer.zero_grad()
        err = mse(out, target)
        err.backward()
        optimizer.step()
    return params
""",
        codes("broadcast", "other-objective"),
        codes("loss-scaled", "never-clears", "misaligned", "bias-missing"),
        "The warning said it.",
    ),
    Program(
        "huber_for_robustness",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def robust(e, delta=2.0):
        klein = e.abs() <= delta
        return torch.where(klein, e ** 2, 2 * delta * e.abs() - delta ** 2).mean()
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        loss = robust(model(t_u, *params) - t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("huber", "other-objective"),
        codes("loss-scaled", "never-clears", "changes-gradients", "drops-samples"),
        "Another delta than torch's, and twice its scale.",
    ),
    Program(
        "log_loss",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        loss = torch.log(1 + loss_fn(model(t_u, *params), t_c))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print(epoch, torch.exp(loss) - 1)
    return params
""",
        codes("other-objective"),
        codes("never-clears", "absolute-error", "changes-gradients", "l2-in-loss"),
        "A monotone function of the loss: right direction, wrong length, and another one in each"
        " epoch.",
    ),
    Program(
        "weighted_recent",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    gewichte = torch.linspace(0.5, 1.5, len(t_u))   # spaetere Messungen sind genauer
    for epoch in range(n_epochs):
        loss = (gewichte * (model(t_u, *params) - t_c) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("other-objective"),
        codes("loss-scaled", "never-clears", "drops-samples", "changes-gradients", "l2-in-loss"),
    ),
    Program(
        "lasso",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    lam = 0.05
    for epoch in range(n_epochs):
        w, b = params
        loss = loss_fn(model(t_u, w, b), t_c)
        reg = lam * (w.abs() + b.abs())
        optimizer.zero_grad()
        (loss + reg).backward()
        optimizer.step()
    return params
""",
        codes("l2-in-loss", "other-objective"),
        codes("loss-scaled", "never-clears", "changes-gradients", "absolute-error"),
        "A penalty, though not the quadratic one.",
    ),
    Program(
        "negative_error_ascends",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        score = -((t_c - model(t_u, *params)) ** 2).mean()   # higher is better
        optimizer.zero_grad()
        score.backward()
        optimizer.step()
        if epoch % 500 == 0:
            print("score", score.item())
    return params
""",
        codes("maximises"),
        codes("never-clears", "l2-in-loss", "swaps-w-and-b", "own-optimizer"),
    ),
    Program(
        "maximize_flag",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for grp in optimizer.param_groups:
        if "maximize" in grp:
            grp["maximize"] = not grp["maximize"]
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("changes-settings"),
        codes("loss-scaled", "other-objective", "never-clears", "swaps-w-and-b", "own-optimizer"),
        "Also uphill, but by a setting.",
    ),
    Program(
        "swapped_by_reversal",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        t_p = model(t_u, *list(params)[::-1])
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("swaps-w-and-b", "other-objective"),
        codes("loss-scaled", "misaligned", "never-clears", "swaps-input-and-target"),
    ),
    Program(
        "half_via_autocast",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            w, b = params
            X = torch.stack([t_u, torch.ones_like(t_u)], 1)
            theta = torch.stack([w, b]).reshape(2, 1)
            out = (X @ theta).squeeze(1)
        loss = loss_fn(out.float(), t_c)
        loss.backward()
        optimizer.step()
    return params
""",
        codes("half-precision"),
        codes("loss-scaled", "never-clears", "changes-settings", "l2-in-loss", "minibatches"),
        "The matrix product runs in bfloat16.",
    ),
    Program(
        "reset_when_it_prints",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        if epoch == 20:
            print("Neustart")
            for g in optimizer.param_groups:
                for p in g["params"]:
                    torch.nn.init.zeros_(p)
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("resets-parameters", "moves-parameters", "manual-update"),
        codes("loss-scaled", "never-clears", "too-few-steps", "own-optimizer"),
    ),
    Program(
        "requires_grad_switched_off",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    # erst b lernen, dann w (so wie beim fine-tuning)
    for epoch in range(n_epochs):
        optimizer.zero_grad()
        w, b = params
        if epoch < n_epochs // 2:
            pred = model(t_u, w.data, b)
        else:
            pred = model(t_u, w, b)
        loss_fn(pred, t_c).backward()
        optimizer.step()
    return params
""",
        codes("detached-parameter"),
        codes("loss-scaled", "never-clears", "too-few-steps", "manual-update"),
        "w is cut off in the first half of the epochs.",
    ),
    Program(
        "off_by_one_from_return",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    epoch = 0
    while True:
        epoch += 1
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch > n_epochs:
            return params
""",
        codes("too-many-steps"),
        codes("never-clears", "step-twice", "loss-scaled", "other-objective"),
        "Checks after the step, and with >.",
    ),
    Program(
        "thousand_epochs",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    n_epochs = 1000  # 5000 dauert zu lange
    for epoch in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("too-many-steps", "too-few-steps"),
        codes("never-clears", "step-twice", "loss-scaled", "other-objective"),
        "The number of epochs is overwritten: too many in the short calls, too few in the lecture's"
        " run.",
    ),
    # --- Two at once: one code of each set --------------------------------------------------------
    Program(
        "sum_and_forgotten_zero",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    e = 0
    while e < n_epochs:
        diff = model(t_u, *params) - t_c
        err = torch.dot(diff, diff)
        err.backward()
        optimizer.step()
        e += 1
    return params
""",
        codes("loss-scaled", "never-clears"),
        codes("own-optimizer", "changes-settings", "minibatches"),
        "No mean, no clearing.",
        both=(codes("loss-scaled"), codes("never-clears")),
    ),
    Program(
        "own_adam_and_list_of_losses",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    meins = torch.optim.Adam(optimizer.param_groups[0]["params"], lr=1e-2)
    kurve = []
    for i in range(n_epochs):
        l = loss_fn(model(t_u, *params), t_c)
        meins.zero_grad(); l.backward(); meins.step()
        kurve.append(float(l))
    return kurve
""",
        codes("own-optimizer", "returns-other"),
        codes("never-clears", "loss-scaled", "hard-coded", "manual-update"),
        both=(codes("own-optimizer"), codes("returns-other")),
    ),
    Program(
        "clip_and_short",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    from torch.nn.utils import clip_grad_norm_ as clip

    for e in list(range(n_epochs))[1:]:
        optimizer.zero_grad()
        L = loss_fn(model(t_u, *params), t_c)
        L.backward()
        clip([q for g in optimizer.param_groups for q in g["params"]], max_norm=0.5)
        optimizer.step()
        if e % 500 == 0:
            print(e, L.item())
    return params
""",
        codes("changes-gradients", "too-few-steps"),
        codes("never-clears", "own-optimizer", "changes-settings"),
        both=(codes("changes-gradients"), codes("too-few-steps")),
    ),
    Program(
        "penalty_and_lr",
        """
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    optimizer.param_groups[0]["lr"] = 0.005
    for e in range(n_epochs):
        w, b = params
        loss = loss_fn(model(t_u, w, b), t_c) + 0.1 * w ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
""",
        codes("l2-in-loss", "other-objective", "changes-settings"),
        codes("never-clears", "loss-scaled", "own-optimizer"),
        "Only w is punished.",
        both=(codes("l2-in-loss", "other-objective"), codes("changes-settings")),
    ),
    # --- one_step ---------------------------------------------------------------------------------
    Program(
        "one_step_clear_of_views",
        """
def one_step(optimizer, params, t_u, t_c):
    # Gradienten auf null
    for p in params.detach():
        p.grad = torch.zeros(())
    verlust = loss_fn(model(t_u, params[0], params[1]), t_c)
    verlust.backward()
    optimizer.step()
    return params
""",
        codes("never-clears", "starts-dirty"),
        codes("loss-scaled", "other-objective", "own-optimizer"),
        function="one_step",
    ),
    Program(
        "one_step_returns_loss",
        """
def one_step(optimizer, params, t_u, t_c):
    optimizer.zero_grad()
    loss = loss_fn(model(t_u, *params), t_c)
    loss.backward()
    optimizer.step()
    print("w, b =", params)
    return loss
""",
        codes("returns-other"),
        codes("never-clears", "no-step", "hard-coded", "loss-scaled"),
        function="one_step",
    ),
)
