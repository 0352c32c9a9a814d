# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "6b690f4105314d6b8b624478651f0ce5", "grade": false, "grade_id": "intro", "locked": true, "schema_version": 3, "solution": false}
# # Optimizers
#
# In Lecture 8 you met the training loop in its final form: a model, a loss, autograd for the gradients, and an **optimizer** that uses them.
# Here you build that loop yourself, piece by piece, and then exchange the optimizer without touching the loop. Plan about two hours.
#
# | part | you write | what it is about |
# |---|---|---|
# | 1. Recall | `model`, `loss_fn` | a straight line and how wrong it is |
# | 2. Build and step | `make_sgd`, `holds`, `figure_1`, `one_step` | what an optimizer holds, and what one step does |
# | 3. The loop | `training_loop` | the same step, 5000 times |
# | 4. Swap | `make_adam` | another optimizer, the same loop |
# | 5. Minibatches | `minibatch_loop`, `mean_loss` | the same step on some of the samples |
# | 6. Explain | two answers in words | what you saw on the way |
#
# The thermometer example, its data and the shape of the code on the slides come from Eli Stevens, Luca Antiga and Thomas Viehmann,
# *Deep Learning with PyTorch* (Manning, 2020), chapter 5, which the lecture follows. It is worth reading beside this notebook.

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "5f85a53015c39002a916f2f741b0772b", "grade": false, "grade_id": "how_to", "locked": true, "schema_version": 3, "solution": false}
# ## How this works
#
# - Write your code where it says `# YOUR CODE HERE`, in place of the line `raise NotImplementedError()`. Keep names and signatures.
# - After each step comes a **check cell** with plain `assert` statements. Run it: silence and a last line saying *ok* mean that you can go on. If it complains, read
#   the message, then the `assert`; both are meant to be read. Check cells are locked: if you change one, it is graded as released.
# - Add cells of your own wherever you like. Print things. `params.grad` is a good thing to print.
# - **Hidden checks** also call your functions: your loop will train on readings you have not seen, for a few dozen epochs, from another start, with other optimizers. So use the
#   arguments you are given, not global variables, and don't aim at the final numbers: aim at the loop.
# - The two answers of part 6 are read and marked by a person.
# - **Before you hand in:** *Kernel → Restart & Run All* (in Colab: *Runtime → Restart session and run all*), look at every cell, save. A notebook remembers
#   what you ran, not what you see; after a restart it has to work from top to bottom.
#
# You need `torch` and nothing else.

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "d99d054c59fd772da6ca292aa9549300", "grade": false, "grade_id": "the_data", "locked": true, "schema_version": 3, "solution": false}
# ## The data
#
# You brought home an old thermometer. It shows numbers, but not in which unit. So you write down its readings `t_u` (*u* for unknown), and beside them the true temperatures
# `t_c` in degrees Celsius. There are $n = 11$ of each. (Slide *A simple problem*.)
#
# `t_un = 0.1 * t_u` are the readings again, scaled down. Why that helps is a question for part 4.

# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "ba62391937731009039e6b65b5cacfa7", "grade": false, "grade_id": "data", "locked": true, "schema_version": 3, "solution": false}
import torch

t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])  # true temperatures, shape (11,)
t_u = torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])  # readings, shape (11,)
t_un = 0.1 * t_u  # scaled readings, shape (11,)


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "8f2d512f5ae8234d392d6458deddd5ca", "grade": false, "grade_id": "part1", "locked": true, "schema_version": 3, "solution": false}
# # Part 1. Recall
#
# We guess that a straight line translates readings into temperatures, with a weight $w$ and a bias $b$:
#
# $$\hat t_i = w \, t_{u,i} + b$$
#
# Write it as `model`. Tensors do the work for all readings at once: no loop is needed. (Slide *A linear model*.)

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "49cb4bd58c8db17cf6788e6e88076cf3", "grade": false, "grade_id": "model", "locked": false, "schema_version": 3, "solution": true}
def model(t_u, w, b):
    """Predict temperatures in degrees Celsius from thermometer readings with a straight line.

    t_u: tensor of shape (n,), the readings
    w, b: the line's weight (slope) and bias (intercept), numbers or tensors of shape ()
    Returns a tensor of shape (n,).
    """
    # y = mx + b !!
    return w*t_u+b


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "14538ce813f139046cf3c514c307a878", "grade": true, "grade_id": "test_model", "locked": true, "points": 2, "schema_version": 3, "solution": false}
# A line you can check in your head: 3 * t + 1 at 0, 1 and 2.
line = model(torch.tensor([0.0, 1.0, 2.0]), 3.0, 1.0)
assert isinstance(line, torch.Tensor), f"model should return a tensor, not {type(line).__name__}; is there a return?"
assert line.shape == (3,), f"three readings make three predictions: expected shape (3,), got {tuple(line.shape)}"
assert torch.allclose(line.float(), torch.tensor([1.0, 4.0, 7.0])), f"3 * t + 1 at 0, 1, 2 is 1, 4, 7; model gives {line.tolist()}. Which is the weight, which the bias?"

# It has to work with tensors w and b too, and gradients must be able to flow back to both.
w, b = torch.tensor(2.0, requires_grad=True), torch.tensor(5.0, requires_grad=True)
model(torch.tensor([10.0]), w, b).sum().backward()
assert w.grad is not None and b.grad is not None, "no gradient reaches w or b: compute with the tensors as they are, without .item(), .detach() or torch.tensor(...)"
assert (w.grad.item(), b.grad.item()) == (10.0, 1.0), f"d(w*t + b)/dw = t = 10 and d/db = 1; got {w.grad.item()} and {b.grad.item()}"
print("model: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "594ec36697c1ae5701f50be8b75a6858", "grade": false, "grade_id": "part1_loss", "locked": true, "schema_version": 3, "solution": false}
# How wrong is the line? We take the **mean squared error** over the $n$ readings (slide *Less loss is what we want*):
#
# $$L(w, b) = \frac{1}{n} \sum_{i=1}^{n} \left(\hat t_i - t_{c,i}\right)^2$$
#
# One number comes out, a tensor of shape `()`. Mind the *mean*: a sum would be $n$ times as large, and so would each gradient, and so each step.
#
# This is also the function whose gradient autograd will work out for you. By hand it would be
#
# $$\frac{\partial L}{\partial w} = \frac{2}{n} \sum_{i=1}^{n} \left(\hat t_i - t_{c,i}\right) t_{u,i}
# \qquad
# \frac{\partial L}{\partial b} = \frac{2}{n} \sum_{i=1}^{n} \left(\hat t_i - t_{c,i}\right)$$

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "4432144b6528304fbf1f0fb6f45f81b2", "grade": false, "grade_id": "loss_fn", "locked": false, "schema_version": 3, "solution": true}
def loss_fn(t_p, t_c):
    """Mean squared error of predictions.

    t_p, t_c: tensors of shape (n,), predicted and true temperatures
    Returns a tensor of shape ().
    """
    n = len(t_c)
    return ((t_p - t_c)**2).sum() / n


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "367ebd2a20016879fda0345bc60ba7d5", "grade": true, "grade_id": "test_loss_fn", "locked": true, "points": 3, "schema_version": 3, "solution": false}
# Errors of 1 and 3: the mean of 1 and 9 is 5.
loss = loss_fn(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
assert isinstance(loss, torch.Tensor), f"loss_fn should return a tensor (autograd needs it), not {type(loss).__name__}"
assert loss.shape == (), f"a loss is one number: expected shape (), got {tuple(loss.shape)}"
assert abs(loss.item() - 5.0) < 1e-5, f"errors -1 and 3 have the mean square (1 + 9) / 2 = 5; loss_fn gives {loss.item():.4f}"

# The loss at the start, w = 1 and b = 0.
start = loss_fn(model(t_un, 1.0, 0.0), t_c).item()
assert abs(start - 80.364) < 2e-3, (
    f"at w = 1, b = 0 the loss should be 80.364, got {start:.3f} "
    f"({start / 80.364:.2f} times as much)"
)
print("loss_fn: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "7f176ba3ca17c555795845f8950ed012", "grade": false, "grade_id": "part2", "locked": true, "schema_version": 3, "solution": false}
# # Part 2. Build and step
#
# An **optimizer** is an object with a short memory and one trick. Its constructor takes the parameters, and keeps **a reference** to them: not a copy, the very same tensors
# that your model uses. That is how it can change them later without being told again, and why you must not replace `params` by a new tensor behind its back.
# (Slide *PyTorch optimizers*.)
#
# First the constructor. `torch.optim.SGD` wants a *list* of parameters (any iterable of tensors), for there could be many; ours is one tensor that holds $w$ and $b$.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "337656af11951c2d880eeccadb68d91c", "grade": false, "grade_id": "make_sgd", "locked": false, "schema_version": 3, "solution": true}
def make_sgd(params, lr):
    """Build a plain stochastic gradient descent optimizer from torch.optim that will move `params`.

    params: one leaf tensor of shape (2,), [w, b], with requires_grad=True
    lr: learning rate
    Returns a torch.optim.SGD.
    """
    return torch.optim.SGD([params], lr=lr)


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "1c6bd542b08ee27924f8fd64a6056e61", "grade": true, "grade_id": "test_make_sgd", "locked": true, "points": 2, "schema_version": 3, "solution": false}
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)
assert isinstance(optimizer, torch.optim.SGD), f"make_sgd should return a torch.optim.SGD, not {type(optimizer).__name__}"
held = [tensor for group in optimizer.param_groups for tensor in group["params"]]
assert len(held) == 1, f"the optimizer should hold one tensor, [w, b]; it holds {len(held)}"
assert held[0] is params, "the optimizer holds another tensor than params, perhaps a copy: it would move that one, and params would never change"
assert optimizer.param_groups[0]["lr"] == 1e-2, f"asked for lr=0.01, the optimizer has lr={optimizer.param_groups[0]['lr']}"
assert make_sgd(params, 0.5).param_groups[0]["lr"] == 0.5, "the learning rate should be the argument lr, whatever it is"
assert optimizer.param_groups[0]["momentum"] == 0 and optimizer.param_groups[0]["weight_decay"] == 0, "plain SGD: leave the other settings as they are"
print("make_sgd: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "bc1d8a95318d8f090001460a0c93dc52", "grade": false, "grade_id": "part2_reference", "locked": true, "schema_version": 3, "solution": false}
# The check above asked `held[0] is params`: the *same* tensor, not an equal one. That difference is worth a function of your own. `a is b` asks whether two names stand for one object;
# `a == b` compares numbers, element by element. Which of the two does `in` use, in `tensor in some_list`? (Try it with two tensors of equal values. That is why `in` is no help here.)

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "370cfc5487241fe5db102ec79f49af18", "grade": false, "grade_id": "holds", "locked": false, "schema_version": 3, "solution": true}
def holds(optimizer, tensor):
    """Say whether `optimizer` holds `tensor`: the very object, not another tensor of equal values.

    optimizer: any torch optimizer; `optimizer.param_groups` is a list of dicts, each with a list of tensors under "params"
    tensor: a tensor of any shape
    Returns True or False.
    """
    return any(p is tensor for g in optimizer.param_groups for p in g["params"])


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "1132761a2ea8f3e78d359497f55deed1", "grade": true, "grade_id": "test_holds", "locked": true, "points": 2, "schema_version": 3, "solution": false}
params = torch.tensor([1.0, 0.0], requires_grad=True)
twin = torch.tensor([1.0, 0.0], requires_grad=True)  # another tensor, the same numbers
assert holds(make_sgd(params, 1e-2), params) is True, "make_sgd(params, 1e-2) holds params, so holds should return True"
assert holds(make_sgd(params, 1e-2), twin) is False, "the optimizer holds params; twin is another tensor with equal values, so holds should return False"

w, b = torch.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
assert holds(torch.optim.RMSprop((w, b), lr=0.1), b) is True, "an optimizer can hold several tensors; b is the second"
assert holds(torch.optim.RMSprop((w,), lr=0.1), b) is False, "this optimizer holds w only, and b is another tensor, though both are 1.0 now"
print("holds: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "838d5e172dd6c982516fde7381fd88d2", "grade": false, "grade_id": "part2_figure", "locked": true, "schema_version": 3, "solution": false}
# ## Figure 1
#
# Figure 1 of the lecture (slide *PyTorch optimizers*) follows one step in four pictures, (A) to (D); clearing makes a fifth stage:
#
# | | stage | what is called |
# |---|---|---|
# | (A) | constructor | `make_optimizer`, with a reference to `params` |
# | (B) | forward | the model, and the loss of its predictions |
# | (C) | backward | `backward()` of the loss |
# | (D) | step | `step()` of the optimizer |
# | | zero_grad | `zero_grad()` of the optimizer |
#
# Which of these changes `params`? Which changes `params.grad`? Guess first. Then let the tensors say it themselves: write `figure_1`, which goes through the five stages and notes after each
# what `params` and `params.grad` hold.
#
# Note *copies*. The step moves `params` in place, in the very tensor that the optimizer holds a reference to; and whatever else refers to that tensor moves along, your notes too.
# `params.detach()` is still the same memory; `params.detach().clone()` is a copy. The same goes for `params.grad`, which may also be `None`: there is nothing to copy then.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "f22d719909c5db88d5b9e2cd1d4479fd", "grade": false, "grade_id": "figure_1", "locked": false, "schema_version": 3, "solution": true}
def figure_1(make_optimizer, params, t_u, t_c):
    """Go once through Figure 1, and write down what `params` and `params.grad` hold after each stage.

    The stages, in this order: the constructor; forward (model and loss on all readings); backward; step; zero_grad.

    make_optimizer: a function; `make_optimizer(params)` builds an optimizer over `params`
    params: one leaf tensor of shape (2,), [w, b]; what its .grad holds beforehand stays until a stage changes it
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns a dict with the keys "constructor", "forward", "backward", "step" and "zero_grad". Each value is a pair: a copy of `params`
        as they are after that stage, shape (2,), and a copy of `params.grad`, shape (2,), or None where there is none.
    """
    def note():
        grad = None
        if params.grad is not None:
            grad = params.grad.clone()
        return params.detach().clone(), grad

    result = {}
    opt = make_optimizer(params)
    result["constructor"] = note()
    loss = loss_fn(model(t_u, *params), t_c)
    result["forward"] = note()
    loss.backward()
    result["backward"] = note()
    opt.step()
    result["step"] = note()
    opt.zero_grad()
    result["zero_grad"] = note()
    return result


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "9270a79a9df7a7280df9d3fd3407287e", "grade": true, "grade_id": "test_figure_1", "locked": true, "points": 3, "schema_version": 3, "solution": false}
stages = ["constructor", "forward", "backward", "step", "zero_grad"]
seen = figure_1(lambda tensor: make_sgd(tensor, 1e-2), torch.tensor([1.0, 0.0], requires_grad=True), t_un, t_c)
assert isinstance(seen, dict) and list(seen) == stages, f"figure_1 should return a dict with the keys {stages}, in that order"
for stage, (values, gradient) in seen.items():
    print(f"{stage:<12} params {values.tolist()}   params.grad {None if gradient is None else gradient.tolist()}")

start, gradient, moved = torch.tensor([1.0, 0.0]), torch.tensor([-77.6140, -10.6400]), torch.tensor([1.7761, 0.1064])
assert not torch.allclose(seen["constructor"][0], moved, atol=2e-4), "params had moved before the first stage was over: are the notes copies, made with .clone()?"
for stage in ["constructor", "forward", "backward"]:
    assert torch.equal(seen[stage][0], start), f"after {stage} params should still be {start}: only step() moves it"
for stage in ["constructor", "forward"]:
    assert seen[stage][1] is None, f"after {stage} there should be no gradient yet, only backward() makes one; a new tensor has .grad None"
assert seen["backward"][1] is not None, "after backward params.grad should hold the gradient"
for stage in ["backward", "step"]:
    assert torch.allclose(seen[stage][1], gradient, rtol=1e-4), f"after {stage} params.grad should be {gradient}, got {seen[stage][1]}: step() reads it and leaves it"
for stage in ["step", "zero_grad"]:
    assert torch.allclose(seen[stage][0], moved, rtol=0, atol=2e-4), f"after {stage} params should be {moved}, got {seen[stage][0]}"
assert seen["zero_grad"][1] is None or not seen["zero_grad"][1].any(), "after zero_grad there should be no gradient left, and it should not have been noted before it was cleared"
print("figure_1: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "9da9ef5335a6885a6f97732543bcbd6d", "grade": false, "grade_id": "part2_step", "locked": true, "schema_version": 3, "solution": false}
# Read your table by columns: `backward()` fills in `.grad` and moves nothing. `step()` moves the parameters and computes no gradient. The two only meet in `.grad`. And the optimizer
# knew nothing of the loss: the loss is computed from `params`, backward leaves its gradient there, and the optimizer finds it, because it refers to the same tensor.
#
# Now one step as a function: forward, loss, backward, step. For plain SGD, `step()` does what you did by hand last week:
#
# $$\theta \leftarrow \theta - \text{lr} \cdot \nabla_\theta L \qquad \text{with } \theta = (w, b)$$
#
# There is one trap, and it is the most common mistake in training loops of all kinds. `backward()` does not *store* gradients in `.grad`, it **adds** them to what is there already.
# (There are good reasons: a parameter that is used twice in a model needs the sum of both.) So whatever an earlier `backward()` left has to be cleared first, with
# `optimizer.zero_grad()`. In Figure 1 it came last; it can stand anywhere before this step's `backward()`, but not between `backward()` and `step()`: think what `step()` would read there.
# (Slide *Zeroing the gradients*.)
#
# Use `model(t_u, *params)`: the star unpacks `params` into its two numbers, $w$ and $b$.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "c1c64ccc0f9e50b5fd9cb54019a7509c", "grade": false, "grade_id": "one_step", "locked": false, "schema_version": 3, "solution": true}
def one_step(optimizer, params, t_u, t_c):
    """Move `params` by one step of `optimizer`, downhill on the loss of all readings, and return them.

    Whatever `params.grad` holds from earlier work must not change the step.

    optimizer: any torch optimizer that holds `params`
    params: [w, b], one tensor of shape (2,)
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns the very same `params`, changed in place.
    """
    # 1. forward
    pred = model(t_u, *params)
    # 2. loss
    loss = loss_fn(pred, t_c)
    # 3. throw away old gradients, compute new ones
    optimizer.zero_grad()
    loss.backward()
    # 4. move
    optimizer.step()

    return params


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "dcb9ff743d5331b00a26abee8bdce4ec", "grade": true, "grade_id": "test_one_step", "locked": true, "points": 4, "schema_version": 3, "solution": false}
expected = torch.tensor([1.7761, 0.1064])

params = torch.tensor([1.0, 0.0], requires_grad=True)
moved = one_step(make_sgd(params, 1e-2), params, t_un, t_c)
assert moved is params, "one_step should return the very params it was given, moved in place; is there a return?"
assert not torch.allclose(params, torch.tensor([1.0, 0.0])), "params did not move: is step() called, with its parentheses, after backward()?"
assert torch.allclose(params, expected, rtol=0, atol=2e-4), f"one step from [1, 0] with lr 0.01 leads to {expected}, yours to {params.detach()}"

# Now with something left in .grad from earlier work: the step must be the same.
params = torch.tensor([1.0, 0.0], requires_grad=True)
params.grad = torch.tensor([100.0, -100.0])
one_step(make_sgd(params, 1e-2), params, t_un, t_c)
assert torch.allclose(params, expected, rtol=0, atol=2e-4), (
    f"with [100, -100] left in .grad the step leads to {params.detach()} in place of {expected}: old gradients were added to the new ones"
)
print("one_step: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "099ec8ae6a9200cd6f99d9087e099f5d", "grade": false, "grade_id": "part3", "locked": true, "schema_version": 3, "solution": false}
# # Part 3. The loop
#
# Training is that step, again and again. Each time around, in each **epoch**, the gradient is taken at the place that the last step led to. (Slide *The training loop*.)
#
# Write `training_loop`. Some things to get right, each of which the checks look at:
#
# - exactly `n_epochs` steps, no more and no fewer; zero epochs change nothing;
# - the optimizer that is *passed in* does the moving. Don't build another: some optimizers remember earlier gradients, and a new one has forgotten them;
# - clear the gradients in *every* epoch;
# - the data, the parameters and the number of epochs are the arguments, whatever they are called outside;
# - return `params`, the same ones, once all epochs are done.
#
# Print the loss every 500 epochs so that you can watch it fall; how you print it is up to you.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "5c9f3cf2b82392cc87a1a4572dc89554", "grade": false, "grade_id": "training_loop", "locked": false, "schema_version": 3, "solution": true}
def training_loop(n_epochs, optimizer, params, t_u, t_c):
    """Train `params` in place for `n_epochs` epochs, one step of `optimizer` on all readings each, and return them.

    Prints the loss every 500 epochs, in a format of your choice.

    n_epochs: number of epochs; 0 leaves `params` as they are
    optimizer: any torch optimizer that holds `params`
    params: [w, b], as one tensor of shape (2,) or as a list of two tensors of shape (): hand them
        to the model as `model(t_u, *params)`, which unpacks either
    t_u, t_c: tensors of shape (n,), readings and true temperatures
    Returns the very same `params`.
    """
    steps = 0
    while True:
        if steps >= n_epochs:
            return params
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        optimizer.step()
        steps += 1
        if steps % 500 == 0:
            print(steps, loss.item())


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "bfe3eaeb30ddc28dbfb9187598cb107a", "grade": true, "grade_id": "test_first_losses", "locked": true, "points": 4, "schema_version": 3, "solution": false}
# The loss after 0, 1 and 2 epochs, each time trained from the start.
expected_losses = [80.364, 37.575, 30.871]

for n_epochs, expected in enumerate(expected_losses):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = make_sgd(params, 1e-2)
    returned = training_loop(n_epochs, optimizer, params, t_un, t_c)
    assert returned is params, f"after {n_epochs} epochs: training_loop should return the very params it was given; check the return and its indentation"
    loss = loss_fn(model(t_un, *params), t_c).item()
    assert abs(loss - expected) < 2e-3, (
        f"after {n_epochs} epochs the loss should be {expected}, got {loss:.3f}. "
        + ("Zero epochs should change nothing." if n_epochs == 0 else "Print the epoch, params and params.grad in your loop: is it the right number of steps, each with fresh gradients?")
    )

# And where 3 epochs lead.
params = torch.tensor([1.0, 0.0], requires_grad=True)
training_loop(3, make_sgd(params, 1e-2), params, t_un, t_c)
expected = torch.tensor([2.2094, 0.1217])
assert torch.allclose(params, expected, rtol=0, atol=2e-4), f"after 3 epochs params should be {expected}, got {params.detach()}"
print("training_loop, first epochs: ok")

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "63a07def10b2d8322ab3933df9acba60", "grade": false, "grade_id": "part3_run", "locked": true, "schema_version": 3, "solution": false}
# If that is green, your loop is very likely right. Now let it run for the lecture's 5000 epochs (a few seconds).
# The cell is complete, and you may change it to try things out; hand it in with the lecture's settings. It begins with *fresh* parameters: running it twice gives the same result twice.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "acb9a013763f85c47f0b8a2b7d274697", "grade": false, "grade_id": "train_sgd", "locked": false, "schema_version": 3, "solution": true}
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_sgd(params, 1e-2)
sgd_params = training_loop(5000, optimizer, params, t_un, t_c)
sgd_params

# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "549765065254230c606ccaf2726e6698", "grade": true, "grade_id": "test_lecture_run", "locked": true, "points": 6, "schema_version": 3, "solution": false}
expected = torch.tensor([5.3671, -17.3012])
assert sgd_params is not None, "sgd_params is None: does training_loop return params?"
final = torch.stack([parameter.detach().float() for parameter in sgd_params])  # [w, b], from one tensor or from two
assert torch.allclose(final, expected, rtol=0, atol=1e-3), (
    f"5000 epochs of SGD with lr 0.01 on t_un lead to {expected}, yours to {final}. If the first epochs were right: did the cell above run as it stands?"
)
loss = loss_fn(model(t_un, *final), t_c).item()
assert abs(loss - 2.9276) < 1e-3, f"the loss there should be 2.9276, got {loss:.4f}"
print("the lecture's run: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "8977028c89d50fea57072cb3021bd779", "grade": false, "grade_id": "part3_reading", "locked": true, "schema_version": 3, "solution": false}
# The readings were scaled by 0.1, so for the thermometer itself the weight is a tenth of that. Does the line remind you of a conversion from another unit?
# (From Fahrenheit it would be $t_c = 0.5556 \, t_f - 17.78$.)

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "9cdfe4a74235692894d655f9fe538e46", "grade": false, "grade_id": "part4", "locked": true, "schema_version": 3, "solution": false}
# # Part 4. Swap
#
# Why take the trouble to write the loop against *an* optimizer, when the update was one line of arithmetic? Because now the rule can be exchanged. The loop only ever says
# `zero_grad()` and `step()`; what a step *is* is the optimizer's business.
#
# On the unscaled readings `t_u`, the gradient of $w$ is some 50 times that of $b$. A learning rate that suits one is far off for the other: try SGD with
# lr 0.01 on `t_u`, and watch the loss grow to `inf` and then `nan`. **Adam** keeps running averages of each parameter's gradient and of its square, and divides one by the root of the other:
#
# $$\theta_j \leftarrow \theta_j - \text{lr} \cdot \frac{\hat m_j}{\sqrt{\hat v_j} + \epsilon}$$
#
# So each parameter gets a step of its own size, near `lr` at first, whatever the scale of its gradient. That is why Adam can do with the raw readings. (Slide *Testing other optimizers*.)
#
# Those averages are what an optimizer remembers between steps, and they are the reason for building it once, before the loop.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "035aa6c7a5d04bd274b9b8f0d7e50447", "grade": false, "grade_id": "make_adam", "locked": false, "schema_version": 3, "solution": true}
def make_adam(params, lr):
    """Build an Adam optimizer from torch.optim that will move `params`.

    params: one leaf tensor of shape (2,), [w, b], with requires_grad=True
    lr: learning rate
    Returns a torch.optim.Adam.
    """
    opt = torch.optim.Adam(params=[params], lr=lr)
    return opt


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "eddfd2c8e0710c2e4bab1d210089dece", "grade": true, "grade_id": "test_make_adam", "locked": true, "points": 2, "schema_version": 3, "solution": false}
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_adam(params, 1e-1)
assert isinstance(optimizer, torch.optim.Adam), f"make_adam should return a torch.optim.Adam, not {type(optimizer).__name__}"
held = [tensor for group in optimizer.param_groups for tensor in group["params"]]
assert len(held) == 1 and held[0] is params, "the optimizer should hold the very tensor params, and nothing else"
assert optimizer.param_groups[0]["lr"] == 1e-1, f"asked for lr=0.1, the optimizer has lr={optimizer.param_groups[0]['lr']}"
assert make_adam(params, 0.5).param_groups[0]["lr"] == 0.5, "the learning rate should be the argument lr, whatever it is"

# Adam's first step has the length lr in each direction, here down in both, however different the gradients. And it is your loop that makes it.
training_loop(1, optimizer, params, t_u, t_c)
assert torch.allclose(params, torch.tensor([0.9, -0.1]), rtol=0, atol=1e-4), f"one epoch of Adam with lr 0.1 from [1, 0] leads to [0.9, -0.1], yours to {params.detach()}"
print("make_adam: ok")

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "ee63ed81d48f29d45e9474f605b83417", "grade": false, "grade_id": "part4_run", "locked": true, "schema_version": 3, "solution": false}
# The same loop, untouched, with Adam, a ten times larger learning rate, and the raw readings. 2000 epochs are enough.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "4a3f6998681687aff51ab6fa0a497783", "grade": false, "grade_id": "train_adam", "locked": false, "schema_version": 3, "solution": true}
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = make_adam(params, 1e-1)
adam_params = training_loop(2000, optimizer, params, t_u, t_c)
adam_params

# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "963fe032b9d1759095262e14f8a89abf", "grade": true, "grade_id": "test_adam_run", "locked": true, "points": 4, "schema_version": 3, "solution": false}
expected = torch.tensor([0.5367, -17.3021])
assert adam_params is not None, "adam_params is None: does training_loop return params?"
final = torch.stack([parameter.detach().float() for parameter in adam_params])  # [w, b], from one tensor or from two
assert torch.allclose(final, expected, rtol=0, atol=1e-3), (
    f"2000 epochs of Adam with lr 0.1 on t_u lead to {expected}, yours to {final}. Is it the raw t_u, and one optimizer for all epochs?"
)
loss = loss_fn(model(t_u, *final), t_c).item()
assert abs(loss - 2.9276) < 1e-3, f"the loss there should be 2.9276, got {loss:.4f}"
print("the Adam run: ok")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "b46d97bb70b4b96f88466c2fd66c2a80", "grade": false, "grade_id": "part4_reading", "locked": true, "schema_version": 3, "solution": false}
# Compare `adam_params` with `sgd_params`: the same line, once the factor 0.1 is counted in. Two rules, two paths, one valley. The *end* does not tell which way you came;
# that is why the hidden checks look at the first few dozen steps.

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "a6a289d19b35e6866cb5a98252c7db84", "grade": false, "grade_id": "part5", "locked": true, "schema_version": 3, "solution": false}
# # Part 5. Minibatches
#
# So far each step looked at all 11 readings. With 11 million you would not wait for that: you would take a small part of them, a **minibatch**, make a step, take the next part, and so on.
# The S in SGD is for that: *stochastic* gradient descent follows the gradient of a few samples, a rough but cheap guess at the gradient of all.
#
# Which optimizer do you need for it? The same. An optimizer finds a gradient in `.grad` and **does not know whether the loss was evaluated on all samples or on a few of them**.
# (Slide *Using a gradient descent optimizer*.) Only the loop changes: an epoch is now one pass over all batches, with a step for *each*.
#
# The batches are given to you as a list of pairs, in the order in which to take them. (A real loop draws them anew in each epoch; that is for another notebook.) Each step clears, as ever.

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "b02dd691e5deba6a1c8189a743aca012", "grade": false, "grade_id": "minibatch_loop", "locked": false, "schema_version": 3, "solution": true}
def minibatch_loop(n_epochs, optimizer, params, batches):
    """Train `params` in place for `n_epochs` epochs, one step of `optimizer` on each batch, in the order given, and return them.

    n_epochs: number of epochs; in each, every batch has its turn
    optimizer: any torch optimizer that holds `params`
    params: [w, b], as one tensor of shape (2,) or as a list of two tensors of shape ()
    batches: a list of pairs (t_u, t_c), two tensors of shape (m,) each; m may differ from batch to batch
    Returns the very same `params`.
    """
    # every batch is one step, so I can use one_step
    for epoch in range(n_epochs):
        for t_u, t_c in batches:
            one_step(optimizer, params, t_u, t_c)
    return params


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "46f34ac4d353859bc86ebb72a4890af3", "grade": true, "grade_id": "test_minibatches", "locked": true, "points": 3, "schema_version": 3, "solution": false}
# 11 samples in batches of 4, 4 and 3.
batches = [(t_un[:4], t_c[:4]), (t_un[4:8], t_c[4:8]), (t_un[8:], t_c[8:])]

params = torch.tensor([1.0, 0.0], requires_grad=True)
returned = minibatch_loop(2, make_sgd(params, 1e-2), params, batches)
assert returned is params, "minibatch_loop should return the very params it was given; check the return and its indentation"
expected = torch.tensor([2.2952, 0.0299])
assert torch.allclose(params, expected, rtol=0, atol=2e-4), f"two epochs, six steps, lead to {expected}, yours to {params.detach()}. A step for each batch, each with fresh gradients?"

# All samples as one minibatch: the same arithmetic as in your plain loop, so the very same numbers.
params, plain = torch.tensor([1.0, 0.0], requires_grad=True), torch.tensor([1.0, 0.0], requires_grad=True)
minibatch_loop(10, make_sgd(params, 1e-2), params, [(t_un, t_c)])
training_loop(10, make_sgd(plain, 1e-2), plain, t_un, t_c)
assert torch.allclose(params, plain, rtol=1e-5), f"with one batch of all samples minibatch_loop should do what training_loop does, {plain.detach()}; it leads to {params.detach()}"
print("minibatch_loop: ok", "(and to the last bit the plain loop)" if torch.equal(params, plain) else "")


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "50e29ca8fe340774d3be9fb22b436542", "grade": false, "grade_id": "part5_mean", "locked": true, "schema_version": 3, "solution": false}
# ## The mean of means
#
# How good is the line on *all* samples, if they come in batches? Each batch has its own mean squared error. Is the mean of those three the mean over the 11 samples? Batches of 4, 4 and 3
# are a good test: a sample in the batch of 3 would count for a third of a third, the others for a quarter of a third. Write `mean_loss` so that each sample counts the same.
# (And so a minibatch step from a small last batch pulls a little harder on its few samples than a fair share would be.)

# %% deletable=false nbgrader={"cell_type": "code", "checksum": "ae65a96b42ce6b75d7e1be90c6fb4075", "grade": false, "grade_id": "mean_loss", "locked": false, "schema_version": 3, "solution": true}
def mean_loss(params, batches):
    """Mean squared error over all samples of all batches: what `loss_fn` gives for the samples put together again.

    params: [w, b], one tensor of shape (2,)
    batches: a list of pairs (t_u, t_c), two tensors of shape (m,) each; m may differ from batch to batch
    Returns a tensor of shape ().
    """
    t_u = torch.cat([u for u, _ in batches])
    t_c = torch.cat([c for _, c in batches])
    return loss_fn(model(t_u, *params), t_c)


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "a0ed2a5eda17ee01b3f75d0c5186e579", "grade": true, "grade_id": "test_mean_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false}
whole = loss_fn(model(t_un, 1.0, 0.0), t_c)
of_means = sum(loss_fn(model(u, 1.0, 0.0), c) for u, c in batches) / len(batches)
ours = mean_loss(torch.tensor([1.0, 0.0]), batches)
print(f"all samples: {whole:.4f}   mean of the batches' means: {of_means:.4f}   mean_loss: {ours:.4f}")
assert isinstance(ours, torch.Tensor) and ours.shape == (), "mean_loss should return a tensor of shape ()"
assert abs(ours - of_means) > 1e-2, "this is the mean of the batches' means, in which a sample of a small batch counts for more"
assert abs(ours - 80.364) < 2e-3, f"over all samples the loss is 80.364, got {ours:.3f}"
print("mean_loss: ok")

# %%
# Yours, to try things out. Part 6 will ask: what does SGD do on t_u with lr 1e-2? And with 1e-4? What happens in part 3 without zero_grad?

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "ab9afdf5b5df497c99e8862be81c7dc7", "grade": false, "grade_id": "part6", "locked": true, "schema_version": 3, "solution": false}
# # Part 6. Explain
#
# Two questions, to be answered in a few sentences each, in the cells below them (double-click to write). A person reads and marks them: what counts is the reason, not the length.
# Numbers that you computed yourself are welcome as evidence.
#
# ## 7.843 or 7.860? (4 points)
#
# Your loop in part 3 printed a loss of about 7.860 at epoch 500. The slide prints 7.843371 there, with the same model, data, learning rate and start. Neither is wrong. (The slide shows the cells
# that ran before its loop, too: look at what they do to `params`.)
#
# *Where does the difference come from, how could you make your loop print the slide's number, and why do both runs end at the same parameters all the same?*

# %% [markdown] deletable=false nbgrader={"cell_type": "markdown", "checksum": "66e36da8619e02fe67b1352be01495e8", "grade": true, "grade_id": "why_two_losses", "locked": false, "points": 4, "schema_version": 3, "solution": true}
# Because the slide did not start at [1, 0] but at [1.7761, 0.1064], after one optimizer step. One step ahead means a bit less loss. After 5000 epochs it does not matter any more because both have arrived.

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "4a54425d3e0a8637751d43bc613ee198", "grade": false, "grade_id": "part6_scaling", "locked": true, "schema_version": 3, "solution": false}
# ## Why does SGD diverge on unscaled data? (4 points)
#
# On `t_un` SGD with a learning rate of 0.01 settles; on `t_u`, the same readings in other units, it leads to `nan` within some dozens of epochs (try it above, in the free cell).
#
# *Why? Say what scaling the readings by 0.1 does to the gradients of w and of b, why a smaller learning rate alone is a poor remedy, and why Adam can do without either.*

# %% [markdown] deletable=false nbgrader={"cell_type": "markdown", "checksum": "71f5d8f74e351994b4966c4464a3f1fb", "grade": true, "grade_id": "why_sgd_diverges", "locked": false, "points": 4, "schema_version": 3, "solution": true}
# The gradient of w is multiplied by t_u, so it is large, and the curvature by t_u squared. lr must be below 2 / curvature or it oscillates with growing amplitude. Smaller lr: b needs for ever. Adam has its own scale for each parameter.

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "e045a2596cdc21632d3fbb88a625dacd", "grade": false, "grade_id": "hand_in", "locked": true, "schema_version": 3, "solution": false}
# ## Before you hand in
#
# 1. *Kernel → Restart & Run All*. Every check cell should say *ok*.
# 2. Did the printed losses stay the same? If not, some cell had run twice, or out of order, before.
# 3. Part 6: two answers, in your own words.
# 4. Save, and hand in this one file.
