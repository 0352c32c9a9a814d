"""The catalogue's entries on training by minibatches and on evaluation."""

from __future__ import annotations

from autograder.judgement.findings.entry import Entry

BATCH_ENTRIES: dict[str, Entry] = {
    "no-shuffle": Entry(
        "never shuffles",
        "The samples came in the data's own order.",
        "Print the first ten rows of each epoch's order.",
        "Draw a new order in every epoch: torch.randperm(n, generator=generator), or a DataLoader"
        " with shuffle=True.",
    ),
    "same-order": Entry(
        "shuffles the same way in every epoch",
        "Two epochs cut the samples into the same batches.",
        "Where is the order drawn, and from which seed: once, or once per epoch?",
        "Draw a new order in every epoch, and seed nothing inside the function.",
    ),
    "drops-last-batch": Entry(
        "leaves the last, smaller batch out",
        "The samples that did not fill a whole batch were never used.",
        "How many batches do 10 samples in batches of 4 make in your loop?",
        "Keep the last batch: round the number of batches up, or drop_last=False.",
    ),
    "skips-samples": Entry(
        "leaves samples out of an epoch",
        "Some samples were in no batch.",
        "Collect the rows of all batches of an epoch: which are missing?",
        "Every sample belongs to exactly one batch.",
    ),
    "repeats-samples": Entry(
        "uses samples more than once in an epoch",
        "Some samples were in several batches.",
        "Do two neighbouring batches overlap?",
        "Every sample belongs to exactly one batch.",
    ),
    "samples-with-replacement": Entry(
        "draws samples with replacement",
        "Each batch was drawn anew from all samples, so that some came twice and others never.",
        "What does your way of drawing do with a sample that was drawn before?",
        "Draw one order for the whole epoch and cut it into batches.",
    ),
    "same-batch": Entry(
        "trains on the same batch again and again",
        "Every step of the epoch saw the same samples.",
        "Which variable of your loop chooses the rows?",
        "Take the next piece of the order in each round.",
    ),
    "batch-size": Entry(
        "makes batches of another size",
        "The batches were not as large as asked.",
        "How many samples does your first batch hold?",
        "Use batch_size samples in each batch, and what is left in the last.",
    ),
    "changes-inputs": Entry(
        "shows the model other inputs than the data",
        "What the model saw is no row of the images that were passed in.",
        "What happens to the images between your function's arguments and the model?",
        "Give the model rows of the images as they are.",
    ),
    "ignores-generator": Entry(
        "shuffles without the generator",
        "The order is random, but it does not come from the generator that was passed in, so nobody"
        " can repeat it.",
        "Which argument of your function is never used?",
        "Pass generator=generator to what draws the order.",
    ),
    "eval-mode-training": Entry(
        "trains in evaluation mode",
        "Dropout was switched off while training.",
        "What does model.training say in your loop, if an evaluation came before?",
        "Call model.train() at the start of every epoch.",
    ),
    "trains-a-copy": Entry(
        "computes the loss from a copy of the model",
        "Forward passes went through another model than the one passed in.",
        "Is it the argument itself that your loop calls?",
        "Use the model that is passed in.",
    ),
    "softmax-before-loss": Entry(
        "puts softmax before cross entropy",
        "Your gradient is that of probabilities where logits belong.",
        "What does cross_entropy expect, and what do you give it?",
        "Pass logits: cross_entropy applies log-softmax itself.",
    ),
    "likelihood-of-logits": Entry(
        "takes the negative log-likelihood of raw logits",
        "Your gradient is that of nll_loss without a log-softmax before it.",
        "What does your loss function expect: logits, or log-probabilities?",
        "Use cross_entropy on logits.",
    ),
    "squared-error-on-classes": Entry(
        "minimises the squared error of one-hot classes",
        "Your gradient is that of a squared error.",
        "Which loss was asked for?",
        "Use cross_entropy on logits and labels.",
    ),
    "label-smoothing": Entry(
        "smooths the labels",
        "Your gradient is that of smoothed labels.",
        "Which settings does your loss have?",
        "Use cross_entropy with its defaults.",
    ),
    "relu-on-logits": Entry(
        "cuts negative logits off",
        "Your gradient is that of logits behind a ReLU.",
        "Which values can your last layer's output take?",
        "Nothing stands behind the last linear layer.",
    ),
    "labels-misaligned": Entry(
        "compares images with the labels of other images",
        "Images and labels were reordered in different ways.",
        "Print the rows that choose the images of a batch, and those that choose its labels.",
        "Index images and labels with the same rows.",
    ),
    "wrong-loss": Entry(
        "minimises something else than the mean cross entropy",
        "From your own parameters, batch and dropout, the gradient is another.",
        "Compute the loss of one batch by hand, and compare.",
        "Use the model's logits, the batch's labels and cross_entropy as they are.",
    ),
    "scales-batch-loss": Entry(
        "scales the batch's loss",
        "Directions are right, lengths are not: look at how a batch's losses become one number.",
        "By what is the sum of a batch's losses divided: also in the last, smaller batch?",
        "Average over the samples of the batch, and scale nothing.",
    ),
    "weight-penalty": Entry(
        "adds a penalty on the parameters",
        "Your gradient holds a multiple of the parameters.",
        "What is added to the cross entropy?",
        "Drop the penalty.",
    ),
    "frozen-layer": Entry(
        "leaves a layer frozen",
        "Some parameters never get a gradient.",
        "Look for requires_grad, .detach() and .data; print which parameters have a gradient.",
        "Train all parameters of the model.",
    ),
    "clips-gradients": Entry(
        "clips gradients",
        "Gradients above a certain length were cut between backward() and step().",
        "What stands between backward() and step()?",
        "Leave .grad alone.",
    ),
    "empty-gradients": Entry(
        "steps without gradients",
        "When step() looked, .grad held nothing.",
        "Read your loop line by line: what is in .grad after each?",
        "Clear before backward(), and step right after it.",
    ),
    "no-graph": Entry(
        "computes the loss without a graph",
        "No forward pass was recorded by autograd.",
        "Is your forward pass inside torch.no_grad()?",
        "Compute the training loss with gradients on.",
    ),
    "steps-rarely": Entry(
        "steps less often than once per batch",
        "Gradients of several batches went into one step.",
        "How is step() indented?",
        "Step once for each batch.",
    ),
    "keeps-graph": Entry(
        "keeps the graph of every batch",
        "Losses were added up as tensors: each holds the graph of its batch, and memory grows.",
        "What type has the variable in which you add up the losses?",
        "Add up numbers: loss.item().",
    ),
    "mean-of-means": Entry(
        "averages batch means",
        "The last batch is smaller, but counts as much as the others.",
        "How many samples does each batch's mean stand for?",
        "Weigh each batch's mean by its size, and divide by the number of samples.",
    ),
    "wrong-mean-loss": Entry(
        "returns another number than the mean loss",
        "The training is one thing, the number that came back another.",
        "With two batches, what should the mean be? Compute it by hand.",
        "Add up loss times batch size, and divide by the number of samples.",
    ),
    "returns-no-loss": Entry(
        "returns no mean loss",
        "What came back is no number.",
        "What does your return statement name?",
        "Return the mean loss per sample, a float.",
    ),
    "other-architecture": Entry(
        "trains another model than asked for",
        "The parameters have other shapes.",
        "Print the shape of each parameter.",
        "Build the layers as described.",
    ),
    "other-parameters": Entry(
        "trains other tensors than the model's parameters",
        "The optimizer does not hold what the model uses.",
        "What replaces parameters after the optimizer was built?",
        "Leave the model's parameters in place.",
    ),
    "evaluates-nothing": Entry(
        "never runs the model to evaluate it",
        "A number came back, but the model was not asked.",
        "Where do your predictions come from?",
        "Run the model on all samples.",
    ),
    "evaluation-trains": Entry(
        "trains while evaluating",
        "The parameters changed during the evaluation.",
        "Which line of your evaluation changes the model?",
        "An evaluation only looks.",
    ),
    "evaluates-in-train-mode": Entry(
        "evaluates in training mode",
        "Dropout was on: the accuracy depends on luck.",
        "Evaluate twice: do you get the same number?",
        "Call model.eval() before evaluating.",
    ),
    "evaluation-builds-graph": Entry(
        "records a graph while evaluating",
        "Autograd took notes of a forward pass that nobody will differentiate.",
        "Does a result of your evaluation require gradients?",
        "Evaluate inside torch.no_grad().",
    ),
    "evaluation-leaves-gradients": Entry(
        "changes gradients while evaluating",
        "After the evaluation, .grad held something else than before.",
        "Which line of your evaluation touches gradients?",
        "Neither backward() nor zero_grad() belongs into an evaluation.",
    ),
    "evaluation-skips-samples": Entry(
        "evaluates on a part of the samples",
        "Some samples were never shown to the model.",
        "How many samples are in your last batch?",
        "Evaluate all samples, the last batch too.",
    ),
    "miscounts-accuracy": Entry(
        "miscounts the accuracy",
        "The model's answers are right, the share of right ones is not.",
        "Along which axis is the greatest logit looked for, and by what is the count divided?",
        "Compare argmax(dim=1) with the labels, and divide by the number of samples.",
    ),
}
