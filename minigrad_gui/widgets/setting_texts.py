"""Titles and tool tips for the settings of a run."""

ACTIVATION_TITLES = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}
OPTIMIZER_TITLES = {"adam": "Adam", "momentum": "SGD with momentum", "sgd": "SGD"}
SCHEDULE_TITLES = {"constant": "Constant", "cosine": "Cosine decay to 0", "one-cycle": "One cycle", "step": "Steps"}
AVERAGING_TITLES = {"none": "Off", "ema": "Moving average", "last": "Last part of the run"}
KEEP_BEST_TITLES = {"none": "Off: the last epoch", "loss": "Lowest validation loss", "accuracy": "Highest accuracy"}
NORMALIZATION_TITLES = {"none": "Off", "batch": "Over each mini-batch"}
OWN = "own"
PRESET_TITLES = {
    "quick": "Quick",
    "reference": "Reference setup",
    "best": "Best",
    "2-seconds": "2 seconds",
    "5-seconds": "5 seconds",
    "15-seconds": "15 seconds",
    "45-seconds": "45 seconds",
    "150-seconds": "150 seconds",
    "record": "Record",
    "smallest-98": "Smallest for 98%",
    "smallest-99": "Smallest for 99%",
    OWN: "Custom",
}
PRESET_TIPS = {
    "quick": "The default. Reads about 98% of the test digits after ten epochs, which take a few seconds.",
    "reference": "The classic exercise: layers 784-256-128-10-10, Adam at 0.001, batch size 32, 5 epochs. "
    "Takes about as long as Quick.",
    "best": "Reads drawn digits best: a larger network that also learns from pen strokes, varied digits and a decaying "
    "learning rate. Takes a few minutes. The pretrained network was trained this way.",
    "2-seconds": "Reads more than 98% of MNIST's test digits after about 2 seconds on two cores.",
    "5-seconds": "Reads more than 98.5% of MNIST's test digits after about 5 seconds on two cores.",
    "15-seconds": "Reads more than 99% of MNIST's test digits after about 15 seconds on two cores.",
    "45-seconds": "Reads more than 99.3% of MNIST's test digits after about 45 seconds on two cores.",
    "150-seconds": "Reads about 99.5% of MNIST's test digits after about 150 seconds on two cores.",
    "record": "For as few errors on MNIST as a plain network can make within an hour on two cores.",
    "smallest-98": "Reads about 98% of MNIST's test digits with only 6,206 parameters. Can you do it with fewer?",
    "smallest-99": "Reads about 99% of MNIST's test digits with only 13,420 parameters. Can you do it with fewer?",
    OWN: "Settings that match no preset. Choose this to restore your last ones.",
}

TIPS = {
    "preset": "<b>Preset</b><br>Changes all the settings below at once."
    + "".join(f"<br><b>{PRESET_TITLES[name]}</b>: {tip}" for name, tip in PRESET_TIPS.items()),
    "hidden": "<b>Hidden layers</b><br>The number of neurons in each layer between input and output, from first "
    "to last: “256, 128” is two layers. More neurons can learn more but take longer. No hidden layers "
    "means softmax regression.",
    "activation": "<b>Activation</b><br>The function that a neuron applies to its weighted sum. Without it, many layers"
    " could do no more than one. ReLU is zero for negative sums and learns fast; Tanh and Sigmoid saturate and "
    "learn slowly in deep networks.",
    "receptive_field_px": "<b>Window</b> (receptive field)<br>How many pixels wide and high the window is that each "
    "neuron of the first hidden layer sees of the picture, as a neuron of the eye does. The windows lie in rows from "
    "edge to edge; the weights of pixels outside are 0. The network begins more slowly and ends better, if it has "
    "enough pictures, and with fewer parameters. 0 shows every neuron the whole picture; 10 and 14 are good values to "
    "try, with 36 neurons or more.",
    "optimizer": "<b>Optimizer</b><br>How a gradient becomes a step. SGD goes straight downhill; momentum carries over"
    " some of its speed; Adam also adapts the step size of each weight.",
    "learning_rate": "<b>Learning rate</b><br>"
    "The size of a step. If it is too small, learning is slow; if it is too large, the loss"
    " jumps or explodes. Good starting values: 0.0005 for Adam, 0.01 for momentum, 0.1 for SGD. You can "
    "change it during training: a new rate counts once you press Enter or leave the field.",
    "schedule": "<b>Schedule</b><br>How the learning rate changes during the run; the curve shows it from the first "
    "step to the last. Constant leaves it as it is. Cosine decay lowers it to 0, so that the last steps are small: "
    "good for nearly every run. One cycle first raises it for 30% of the run, from a twenty-fifth: good for short runs "
    "with a high rate. Steps divides it by 10 after half and again after three quarters of the run.",
    "momentum": "<b>Momentum</b><br>How much of the last step carries over into the next, from 0 to just below 1. "
    "Used by SGD with momentum.",
    "weight_decay": "<b>Weight decay</b><br>"
    "Shrinks all weights a little at each step, which helps against overfitting (memorising the training "
    "pictures). 0 turns it off; 0.01 is a good value to try.",
    "batch_size": "<b>Batch size</b><br>The number of pictures used for each step. Small batches give noisy, frequent "
    "steps; large ones give fewer, smoother steps and use the processor better.",
    "epochs": "<b>Epochs</b><br>How often the network sees each training picture.",
    "seed": "<b>Seed</b><br>Determines the random numbers, such as the initial weights and the order of the pictures."
    " The same seed and settings give the same network.",
    "regularization": "Show or hide what keeps a network from learning its training pictures by heart, or its steps "
    "from getting out of hand.",
    "dropout": "<b>Dropout</b><br>In training, each output of a hidden layer is set to 0 with this probability, and "
    "the others are enlarged to make up for it. No neuron can then rely on a particular other one, which helps large "
    "networks against overfitting. The training accuracy is measured with dropout, the others without. 0% turns it "
    "off; 10% to 50% are usual. Slower.",
    "label_smoothing": "<b>Soft labels</b> (label smoothing)<br>Asks the network to be a little unsure: this share of "
    "the probability is divided among all classes. The training loss then never reaches 0; the validation loss is "
    "measured without it and may be higher at a better accuracy. 0% turns it off; 5% to 10% are usual. Slower.",
    "normalization": "<b>Normalization</b> (batch normalization)<br>The weighted sum of each hidden neuron is shifted "
    "and scaled to have mean 0 and variance 1 over the mini-batch. Hardly any neuron dies, and deep networks learn "
    "sooner, also at a high learning rate. Means and variances over training pictures become part of the weights of "
    "the network that you see, test and save. Takes mini-batches of 8 or more. Slower.",
    "l1": "<b>L1 penalty</b><br>Pulls every weight towards 0 with the same force, so that those of little use end near "
    "0: adds this number times the sum of all absolute weights to the loss that is minimised. The loss shown is "
    "without it, and biases have none. 0 turns it off; 0.00001 is a good value to try. Slower.",
    "l2": "<b>L2 penalty</b><br>Pulls weights towards 0, large ones harder: adds half of this number times the sum of "
    "their squares to the loss that is minimised. The loss shown is without it, and biases have none. Much like "
    "weight decay with SGD; with Adam, weight decay is better. 0 turns it off; 0.0001 is a good value to try. Slower.",
    "clip_norm": "<b>Clip norm</b> (gradient clipping)<br>If all gradients of a step together are longer than this, "
    "they are shortened to it without changing their direction. An unusual mini-batch then cannot throw the network "
    "far off: good at a high learning rate and with many layers. 0 turns it off; 1 is a good value to try. Slower.",
    "ending": "Show or hide when a run ends, and with which network.",
    "patience": "<b>Patience</b> (early stopping)<br>Ends the run after so many epochs without a lower validation loss,"
    " or without a higher validation accuracy if Keep best says so. From then on, a network usually only learns its "
    "training pictures by heart. 0 turns it off; 5 to 20 are usual. Needs validation pictures.",
    "stop_accuracy": "<b>Stop at</b><br>Ends the run after the first epoch with this validation accuracy, to see how "
    "long a network takes to reach it. 0% turns it off. Needs validation pictures.",
    "keep_best": "<b>Keep best</b><br>The run ends with the network of its best epoch instead of the last one, also "
    "when you stop it or its loss explodes. The best is the one with the lowest validation loss or the highest "
    "validation accuracy; differences of a few pictures are chance. Needs validation pictures.",
    "averaging": "<b>Averaging of weights</b><br>Near the end of a run the weights wander around the best point; their "
    "mean is closer to it. What you see, test and save is then the average; training itself is the same. A moving "
    "average forgets old weights gradually; the last part of the run counts all alike, needs a learning rate that does "
    "not decay to 0, and is not reached if the run ends early.",
    "averaged_epochs": "<b>Over epochs</b><br>How many epochs the average covers: about so many for the moving "
    "average, the last so many of the run for the other. Used with averaging.",
    "members": "<b>Committee</b><br>How many networks are trained, one after the other, each from other weights, for "
    "its share of the epochs. They make their mistakes on different pictures, so the mean of what they say is right "
    "more often. What you see, test and save are all that are done, side by side as one network. 1 is a single "
    "network; 3 is a good value to try, with as many epochs for each. Not with patience, stop at and keep best.",
    "validation_share": "<b>Validation share</b><br>"
    "The share of the training pictures held back to measure how well the "
    "network reads pictures it has not seen. At 0%, it trains on all of them, and its "
    "confidence is calibrated on variations of them.",
    "plain_epochs": "<b>Plain epochs</b><br>In so many of the last epochs the pictures do not vary. Varied pictures "
    "teach more, but those that the network will read are not varied: a short time with such pictures at the end "
    "adapts it to them. A tenth of the epochs is a good value to try. Used with variations.",
    "training_samples": "<b>Samples</b><br>How many of the training pictures to learn from, each class in proportion; "
    "0 means all. A network learns 500 by heart within seconds: the training accuracy reaches 100%, the validation "
    "accuracy stays far below. That is overfitting.",
    "label_noise": "<b>Label noise</b><br>The share of the training pictures that get a wrong label, at random. A "
    "large network learns even those by heart, and the validation accuracy falls. The validation and test pictures "
    "keep their labels.",
    "dataset": "<b>Dataset</b><br>The pictures to train on. “MNIST” is included: 60,000 digits for training "
    "and 10,000 for testing. “ylecun/mnist” downloads the same digits from Hugging Face.",
    "variations": "<b>Variations</b> (augmentation)<br>Changes each training picture a little at random in every "
    "epoch, as if someone else had written it with another pen. The network learns what makes a 3"
    " a 3 and reads drawings better, but needs more epochs. The test pictures do not change.",
    "shift_px": "<b>Shift</b><br>The maximum shift in each direction, in pixels of the 28 x 28 picture.",
    "rotation_deg": "<b>Rotation</b><br>The maximum rotation in either direction.",
    "scale": "<b>Size</b><br>The maximum change of width and of height, which vary independently.",
    "shear": "<b>Slant</b><br>The maximum slant in either direction: pixels sideways for each pixel up.",
    "elastic_px": "<b>Elastic</b><br>How far the points of a picture move, together with their neighbours, as if it "
    "were drawn on rubber. Imitates the wobble of handwriting.",
    "elastic_sigma_px": "<b>Elastic bumps</b><br>How wide the bumps are that elastic distortion is made of: over how "
    "many pixels neighbouring points move together, as a standard deviation (sigma). Narrow ones make lines tremble, "
    "wide ones bend the digit as a whole. Used with elastic.",
    "thickness_px": "<b>Thickness</b><br>The maximum change of the lines' thickness.",
    "shuffle": "Show other random variations of these pictures.",
    "preview": "Eight training pictures as the network would see them with these settings.",
    "continues": "<b>Continue from current network</b><br>Train the current network instead of a new one. It must have"
    " the hidden layers and activation set here, and no neuron that sees more than the window; to be normalized, the "
    "activation ReLU.",
}
