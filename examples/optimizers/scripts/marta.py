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

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "0040f41142075c4539dc59b47cc5a019", "grade": false, "grade_id": "intro", "locked": true, "schema_version": 3, "solution": false}
# # Optimizers
#
# In Lecture 8 you met the training loop in its final form: a model, a loss, autograd for the gradients, and an **optimizer** that uses them.
# Here you build that loop yourself, piece by piece, and then exchange the optimizer without touching the loop. Plan about 90 minutes.
#
# | part | you write | what it is about |
# |---|---|---|
# | 1. Recall | `model`, `loss_fn` | a straight line and how wrong it is |
# | 2. Build and step | `make_sgd`, `one_step` | what an optimizer holds, and what one step does |
# | 3. The loop | `training_loop` | the same step, 5000 times |
# | 4. Swap | `make_adam` | another optimizer, the same loop |
#
# The thermometer example, its data and the shape of the code on the slides come from Eli Stevens, Luca Antiga and Thomas Viehmann,
# *Deep Learning with PyTorch* (Manning, 2020), chapter 5, which the lecture follows. It is worth reading beside this notebook.

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "7ec3f423a3dfc9f2ee02a203e82d9065", "grade": false, "grade_id": "how_to", "locked": true, "schema_version": 3, "solution": false}
# ## How this works
#
# - Write your code where it says `# YOUR CODE HERE`, in place of the line `raise NotImplementedError()`. Keep names and signatures.
# - After each step comes a **check cell** with plain `assert` statements. Run it: silence and a last line saying *ok* mean that you can go on. If it complains, read
#   the message, then the `assert`; both are meant to be read. Check cells are locked: if you change one, it is graded as released.
# - Add cells of your own wherever you like. Print things. `params.grad` is a good thing to print.
# - **Hidden checks** also call your functions: your loop will train on readings you have not seen, for a few dozen epochs, from another start, with other optimizers. So use the
#   arguments you are given, not global variables, and don't aim at the final numbers: aim at the loop.
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


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "d20ae797a74272e2ba91dbcd8a006b2c", "grade": true, "grade_id": "test_model", "locked": true, "points": 4, "schema_version": 3, "solution": false}
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


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "45a719b59d503cee5d6693746afa48d6", "grade": true, "grade_id": "test_loss_fn", "locked": true, "points": 4, "schema_version": 3, "solution": false}
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


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "d589240a6ab86ca19fb2f92fff57b8b4", "grade": false, "grade_id": "part2", "locked": true, "schema_version": 3, "solution": false}
# # Part 2. Build and step
#
# An **optimizer** is an object with a short memory and one trick. Its constructor takes the parameters, and keeps **a reference** to them: not a copy, the very same tensors
# that your model uses. That is how it can change them later without being told again, and why you must not replace `params` by a new tensor behind its back.
# (Slide *PyTorch optimizers*.)
#
# ```
#                      params            params.grad         the optimizer
#  constructor         1.0, 0.0          None                remembers which tensor params is, and lr
#     |
#  forward, loss       1.0, 0.0          None                (is not involved)
#     |
#  zero_grad()         1.0, 0.0          None                clears what an earlier step left
#     |
#  loss.backward()     1.0, 0.0          dL/dw, dL/db        (is not involved)
#     |
#  step()              new values        dL/dw, dL/db        reads .grad, moves params in place
# ```
#
# Read the picture by columns: `backward()` fills in `.grad` and moves nothing. `step()` moves the parameters and computes no gradient. The two only meet in `.grad`.
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


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "ac8cff127ec5b9bf7fe89fc2d7e8335b", "grade": true, "grade_id": "test_make_sgd", "locked": true, "points": 4, "schema_version": 3, "solution": false}
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


# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "fee9b54f5893bc8e94285267ce38f40c", "grade": false, "grade_id": "part2_step", "locked": true, "schema_version": 3, "solution": false}
# Now one step: forward, loss, backward, step. For plain SGD, `step()` does what you did by hand last week:
#
# $$\theta \leftarrow \theta - \text{lr} \cdot \nabla_\theta L \qquad \text{with } \theta = (w, b)$$
#
# There is one trap, and it is the most common mistake in training loops of all kinds. `backward()` does not *store* gradients in `.grad`, it **adds** them to what is there already.
# (There are good reasons: a parameter that is used twice in a model needs the sum of both.) So whatever an earlier `backward()` left has to be cleared first, with
# `optimizer.zero_grad()`. It can stand anywhere before this step's `backward()`, but not between `backward()` and `step()`: think what `step()` would read there.
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


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "50fbf5cb2354641846e48d39b3ddf68a", "grade": true, "grade_id": "test_one_step", "locked": true, "points": 6, "schema_version": 3, "solution": false}
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


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "f95b4610265b9786458ebf3bcaaeb576", "grade": true, "grade_id": "test_first_losses", "locked": true, "points": 6, "schema_version": 3, "solution": false}
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

# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "d9bf9970e836790116f07a2c2c076bef", "grade": true, "grade_id": "test_lecture_run", "locked": true, "points": 8, "schema_version": 3, "solution": false}
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


# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "6730584b03177b0f1d89ed5e94c87f86", "grade": true, "grade_id": "test_make_adam", "locked": true, "points": 4, "schema_version": 3, "solution": false}
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

# %% deletable=false editable=false nbgrader={"cell_type": "code", "checksum": "e039ee2bf714a43e0141017ccbccb9f6", "grade": true, "grade_id": "test_adam_run", "locked": true, "points": 6, "schema_version": 3, "solution": false}
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

# %%
# Yours, to try things out. What does SGD do on t_u with lr 1e-2? And with 1e-4? What happens in part 3 without zero_grad?

# %% [markdown] deletable=false editable=false nbgrader={"cell_type": "markdown", "checksum": "b97b9cd00c203d0b7b8a9a9a182b30c2", "grade": false, "grade_id": "hand_in", "locked": true, "schema_version": 3, "solution": false}
# ## Before you hand in
#
# 1. *Kernel → Restart & Run All*. Every check cell should say *ok*.
# 2. Did the printed losses stay the same? If not, some cell had run twice, or out of order, before.
# 3. Save, and hand in this one file.
