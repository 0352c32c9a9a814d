"""What can be told about each finding: the concept behind it, where to look next, and the fix.
docs/mistakes.md is made from this table.
"""

from __future__ import annotations

import textwrap

from autograder.assignment import Disclosure
from autograder.judgement.findings.batch_entries import BATCH_ENTRIES
from autograder.judgement.findings.entry import Entry
from autograder.judgement.findings.finding import Finding

_ZEROING = "Zeroing the gradients"
_OPTIMIZERS = "PyTorch optimizers"
_LOOP = "The training loop"
_LOSS = "Less loss is what we want"

CATALOGUE: dict[str, Entry] = {
    "never-clears": Entry(
        "never clears gradients",
        "Something survives from epoch to epoch: backward() adds to what .grad holds.",
        "Print .grad just before and after backward().",
        "Call optimizer.zero_grad() in every epoch, before backward().",
        _ZEROING,
    ),
    "clears-sometimes": Entry(
        "clears gradients only in some epochs",
        "In some epochs .grad still held an earlier gradient, and backward() added to it.",
        "Under which condition does your clearing run?",
        "Call optimizer.zero_grad() in every epoch, unconditionally.",
        _ZEROING,
    ),
    "starts-dirty": Entry(
        "does not clear what .grad holds at the start",
        ".grad held something from before, and the first backward() added to it.",
        "When is .grad cleared for the first time?",
        "Clear before the first backward(), not only after step().",
        _ZEROING,
    ),
    "closure-never-clears": Entry(
        "does not clear gradients in its closure",
        "The optimizer ran the closure several times in one step, and each run added to what .grad"
        " held.",
        "How often does your closure run in one step? Print in it.",
        "Call optimizer.zero_grad() as the first line of the closure.",
        _ZEROING,
    ),
    "clears-between-backward-and-step": Entry(
        "clears gradients between backward and step",
        "What backward() had computed was gone when step() looked.",
        "Read your loop line by line: what is in .grad after each line?",
        "Move zero_grad() before backward().",
        _ZEROING,
    ),
    "step-before-backward": Entry(
        "steps before backward",
        "Each step used the gradient of the epoch before.",
        "In which order do step() and backward() run in the first epoch?",
        "Call backward() first, then step().",
        _LOOP,
    ),
    "no-step": Entry(
        "never steps",
        "Gradients were computed, and nobody used them.",
        "Is step() called, with its parentheses?",
        "Call optimizer.step() after backward().",
        _LOOP,
    ),
    "no-backward": Entry(
        "never calls backward",
        "There was no gradient for step() to use.",
        "What fills in .grad? Is it called, with its parentheses?",
        "Call loss.backward() before step().",
        _LOOP,
    ),
    "no-training": Entry(
        "does not train",
        "Neither backward() nor step() ran.",
        "Does the loop's body run at all? Put a print into it.",
        "Write the loop: clear, forward, loss, backward, step.",
        _LOOP,
    ),
    "hard-coded": Entry(
        "does not train but gives an answer",
        "A result came back that no training had produced.",
        "Where does the value that you return come from?",
        "Train: the result has to come from the steps.",
        _LOOP,
    ),
    "too-few-steps": Entry(
        "makes too few steps",
        "Suspect the loop's bounds, an early break, or a return inside the loop.",
        "With n_epochs=1, which values does your loop variable take?",
        "Use range(n_epochs), and return after the loop.",
        _LOOP,
    ),
    "too-many-steps": Entry(
        "makes too many steps",
        "Suspect the loop's bounds; or a step made outside the loop, or state kept from an earlier"
        " run.",
        "With n_epochs=1, how many steps does your code make?",
        "Use range(n_epochs), and step only in the loop.",
        _LOOP,
    ),
    "extra-step": Entry(
        "makes a step before the first backward",
        "A step ran before there was a gradient.",
        "What does step() do before any backward()?",
        "Remove the step before the loop.",
        _LOOP,
    ),
    "step-twice": Entry(
        "steps twice per backward",
        "Some steps used a gradient that had been used already.",
        "How often does step() run per backward()?",
        "Call step() once after each backward().",
        _LOOP,
    ),
    "steps-every-second": Entry(
        "steps only in some epochs",
        "Gradients were computed in epochs that made no step.",
        "Under which condition does step() run?",
        "Call step() in every epoch.",
        _LOOP,
    ),
    "backward-twice": Entry(
        "calls backward twice",
        "The gradient was added twice.",
        "How often does backward() run before a step?",
        "Call backward() once per step.",
        _LOOP,
    ),
    "loss-scaled": Entry(
        "scales the loss",
        "The gradient's direction is right, its length is not: check how the errors become one"
        " number.",
        "What is that factor in your data: the number of samples, a half?",
        "Average the squared errors: divide the sum by their number, and by nothing else.",
        _LOSS,
    ),
    "maximises": Entry(
        "climbs instead of descending",
        "The gradient points the other way.",
        "Which sign does your loss have?",
        "Drop the minus sign.",
        _LOSS,
    ),
    "other-objective": Entry(
        "minimises something else",
        "At your own parameters the gradient is not that of the loss that was asked for: loss,"
        " model or data differ.",
        "Compute the loss of three samples by hand, and compare.",
        "Use the model, the loss and all of the data as they are given.",
        _LOSS,
    ),
    "absolute-error": Entry(
        "minimises the absolute error",
        "Your gradient is that of the mean absolute error.",
        "What happens to the sign and the size of each error?",
        "Square the errors.",
        _LOSS,
    ),
    "root-of-loss": Entry(
        "minimises the root of the loss",
        "Your gradient is that of the root of the mean squared error.",
        "What stands around your mean?",
        "Drop the square root.",
        _LOSS,
    ),
    "fourth-power": Entry(
        "minimises the fourth power of the errors",
        "Your gradient is that of the fourth power.",
        "How often are the errors squared?",
        "Square the errors once.",
        _LOSS,
    ),
    "huber": Entry(
        "minimises a Huber loss",
        "Your gradient is that of a Huber loss, which cuts large errors.",
        "Which loss function do you call?",
        "Use the mean squared error.",
        _LOSS,
    ),
    "swaps-input-and-target": Entry(
        "predicts the input from the target",
        "Input and target have changed places.",
        "What does your model take, and what is it compared with?",
        "Predict t_c from t_u.",
        _LOSS,
    ),
    "swaps-w-and-b": Entry(
        "swaps weight and bias",
        "Weight and bias have changed places.",
        "Which of the two numbers multiplies?",
        "The order is w, b.",
        _LOSS,
    ),
    "bias-missing": Entry(
        "leaves the bias out",
        "The bias takes no part in the prediction.",
        "Where does b enter your prediction?",
        "Add b.",
        _LOSS,
    ),
    "l2-in-loss": Entry(
        "adds a penalty to the loss",
        "Your gradient holds a multiple of the parameters themselves.",
        "What is added to the squared errors?",
        "Drop the penalty.",
        _LOSS,
    ),
    "scales-data": Entry(
        "scales the data again",
        "Your gradient is that of data on another scale.",
        "Is the data scaled already?",
        "Use the data as given.",
        _LOSS,
    ),
    "drops-samples": Entry(
        "leaves samples out",
        "Your gradient is that of a part of the samples.",
        "How many errors enter your mean?",
        "Use all samples.",
        _LOSS,
    ),
    "misaligned": Entry(
        "compares predictions with other samples' targets",
        "Inputs and targets do not belong to the same samples.",
        "Is one of the two reordered?",
        "Permute inputs and targets together.",
        _LOSS,
    ),
    "broadcast": Entry(
        "compares every prediction with every target",
        "A column minus a row makes all pairs.",
        "What are the shapes of prediction and target?",
        "Make the shapes equal.",
        _LOSS,
    ),
    "uses-globals": Entry(
        "uses global variables instead of its arguments",
        "On other data your gradient is still that of the lecture's data.",
        "Which names in your function are neither arguments nor defined in it?",
        "Use the arguments t_u and t_c inside the function.",
        _LOOP,
    ),
    "half-precision": Entry(
        "computes in half precision",
        "Your gradients have only 3 digits.",
        "Which dtype do your tensors have?",
        "Keep float32: drop .half() and bfloat16.",
        "",
    ),
    "detached-parameter": Entry(
        "detaches a parameter from the loss",
        "No gradient reaches one of the parameters.",
        "Which parameters does the loss depend on? Look for .detach(), .item(), .data,"
        " torch.tensor(...).",
        "Use the parameters as they are, without detaching.",
        _OPTIMIZERS,
    ),
    "minibatches": Entry(
        "steps per sample or minibatch",
        "One epoch made several steps.",
        "How many samples does each loss see?",
        "Compute the loss on all samples, and step once per epoch.",
        _LOOP,
    ),
    "changes-gradients": Entry(
        "changes gradients between backward and step",
        "Something changed .grad after backward(), such as clipping.",
        "What stands between backward() and step()?",
        "Leave .grad alone.",
        _LOOP,
    ),
    "changes-settings": Entry(
        "changes the optimizer's settings",
        "The optimizer did not keep the settings it came with.",
        "What changes param_groups? A scheduler?",
        "Leave the optimizer as it was given.",
        _OPTIMIZERS,
    ),
    "changes-update": Entry(
        "disturbs the optimizer's memory",
        "From the same gradients, the optimizer would have made another step: its memory was"
        " changed or reset.",
        "What touches optimizer.state, or loads a state_dict?",
        "Use the optimizer from beginning to end, and touch nothing inside it.",
        _OPTIMIZERS,
    ),
    "own-optimizer": Entry(
        "trains with an optimizer of its own",
        "Another optimizer than the one passed in moved the parameters.",
        "Run your loop with SGD, then with Adam, from the same start: the results should differ.",
        "Use the argument optimizer, and build none.",
        _OPTIMIZERS,
    ),
    "rebuilt-optimizer": Entry(
        "builds a new optimizer again and again, or wipes its memory",
        "A new optimizer has forgotten what the last one knew of earlier gradients.",
        "Where is the optimizer constructed, or its state touched: inside or outside of the loop?",
        "Use the one optimizer that is passed in, as it is.",
        _OPTIMIZERS,
    ),
    "manual-update": Entry(
        "updates the parameters by hand",
        "The parameters moved without a step of the optimizer.",
        "Which line moves the parameters?",
        "Replace your own update by optimizer.step().",
        _OPTIMIZERS,
    ),
    "moves-parameters": Entry(
        "moves parameters besides step",
        "Between two steps something else changed the parameters.",
        "Which lines write to params?",
        "Let only optimizer.step() change the parameters.",
        _OPTIMIZERS,
    ),
    "resets-parameters": Entry(
        "starts over in every epoch",
        "The parameters went back to where they began.",
        "Where are the parameters initialised?",
        "Initialise once, before the loop.",
        _LOOP,
    ),
    "rebinds-params": Entry(
        "replaces the parameters by new tensors",
        "The optimizer holds the old tensor, the loss is computed from a new one.",
        "Compare id(params) in each epoch.",
        "Change the parameters in place, through step(); don't assign params anew.",
        _OPTIMIZERS,
    ),
    "optimizer-holds-other-tensor": Entry(
        "computes the loss from another tensor than the optimizer holds",
        "step() moved one tensor, the loss was computed from another.",
        "Is it `params` itself that your model uses, or a copy?",
        "Use params itself: no clone(), no new tensor.",
        _OPTIMIZERS,
    ),
    "returns-other": Entry(
        "returns something else",
        "The training is one thing, what came back another.",
        "What does your return statement name?",
        "Return params, after the loop.",
        _LOOP,
    ),
    **BATCH_ENTRIES,
}


def tell(finding: Finding, disclosure: Disclosure) -> str:
    """Return the student's text for `finding`: observed, expected, and as much as is disclosed."""
    entry = CATALOGUE[finding.code]
    where = f"Step {finding.step}: " if finding.step is not None else ""
    words = [f"{where}{finding.observed}; expected {finding.expected}."]
    if disclosure is not Disclosure.WHERE:
        words.append(f"{entry.cause} {entry.look}")
        words += [f"See slide “{entry.slide}” of the lecture on optimizers."] if entry.slide else []
        words.append(f"In the catalogue of mistakes: {finding.code}.")
    if disclosure is Disclosure.FIX:
        words.append(entry.fix)
    return " ".join(words)


def catalogue_page() -> str:
    """docs/mistakes.md: one section for each entry, its code as the anchor."""
    lines = [
        "# What a diagnosis can find",
        "",
        "Made from `autograder/judgement/findings/catalogue.py`; a test holds the two together. A"
        " finding",
        "comes with the numbers of the student's own run; what stands here is the general part.",
    ]
    for code, entry in CATALOGUE.items():
        lines += [
            "",
            f"## {code}",
            "",
            f"The loop {entry.name}.",
            "",
            *_item(f"Likely cause: {entry.cause}"),
            *_item(f"Next step: {entry.look}"),
            *_item(f"Fix, after the due date: {entry.fix}"),
        ]
        lines += [f"- Slide: *{entry.slide}*"] if entry.slide else []
    return "\n".join(lines) + "\n"


def _item(text: str) -> list[str]:
    """Lines of a list's item, at most 100 columns wide."""
    return textwrap.wrap(
        text,
        100,
        initial_indent="- ",
        subsequent_indent="  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
