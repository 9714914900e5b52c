"""What the settings of a run are called, and what their tool tips say."""

ACTIVATION_TITLES = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}
OPTIMIZER_TITLES = {"adam": "Adam", "momentum": "SGD with momentum", "sgd": "SGD"}
SCHEDULE_TITLES = {"constant": "Constant", "cosine": "Cosine decay to 0"}
OWN = "own"
PRESET_TITLES = {
    "quick": "Quick",
    "reference": "Reference setup",
    "best": "Best",
    OWN: "Custom",
}
PRESET_TIPS = {
    "quick": "The default. Reads about 98 % of the test digits after ten epochs, which take about ten seconds.",
    "reference": "The classic exercise: layers 784-256-128-10-10, Adam at 0.001, batches of 32, 5 epochs. "
    "Takes about as long as Quick.",
    "best": "Reads drawn digits best; the pretrained network was made this way: a larger network, varied digits "
    "and a decaying learning rate. Takes a few minutes.",
    OWN: "Settings that match no preset. Choosing this restores the last ones you had.",
}

TIPS = {
    "preset": "<b>Preset</b><br>Sets everything below but the dataset at once."
    + "".join(f"<br><b>{PRESET_TITLES[name]}</b>: {tip}" for name, tip in PRESET_TIPS.items()),
    "hidden": "<b>Hidden layers</b><br>The number of neurons in each layer between picture and answer, from first "
    "to last: “256, 128” is two layers. More neurons can learn more but take longer. With no hidden "
    "layer, this is softmax regression.",
    "activation": "<b>Activation</b><br>The function that a neuron applies to its weighted sum. Without it, many layers"
    " could do no more than one. ReLU is zero below zero and learns fast; Tanh and Sigmoid saturate and "
    "learn slowly in deep networks.",
    "optimizer": "<b>Optimizer</b><br>How a gradient becomes a step. SGD goes straight downhill; momentum carries over"
    " some of its speed; Adam also adapts the step size of each weight.",
    "learning_rate": "<b>Learning rate</b><br>"
    "The size of a step. Too small, and learning is slow; too large, and the loss"
    " jumps or explodes. Good values to start with: 0.0005 for Adam, 0.01 for momentum, 0.1 for SGD. It "
    "can change during training.",
    "schedule": "<b>Schedule</b><br>How the learning rate changes during the run. Constant does not change; cosine "
    "decay lowers it to 0, so that the last steps are small and careful. Good for long runs.",
    "momentum": "<b>Momentum</b><br>How much of the last step carries over into the next, from 0 to just below 1. "
    "Used by SGD with momentum.",
    "weight_decay": "<b>Weight decay</b><br>"
    "Shrinks all weights a little at each step, which helps keep the network from "
    "memorising its examples. 0 turns it off; 0.01 is a good value to try.",
    "batch_size": "<b>Batch size</b><br>How many digits each step is computed from. Small batches make noisy, frequent "
    "steps; large ones make fewer, smoother steps and use the processor better.",
    "epochs": "<b>Epochs</b><br>How many times the network sees every training digit.",
    "seed": "<b>Seed</b><br>Determines the random numbers: initial weights and order of the digits. The same seed"
    " and settings give the same network again.",
    "validation_share": "<b>Validation share</b><br>"
    "The share of digits held back from training, to measure how well the "
    "network reads digits it has not seen. At 0 %, all training digits are used, and the network's "
    "confidence is calibrated on variations of them.",
    "dataset": "<b>Dataset</b><br>The digits to train on. “MNIST” comes with the program: 60,000 digits to train on "
    "and 10,000 to test on. “ylecun/mnist” downloads the same digits from Hugging Face.",
    "variations": "<b>Variations</b> (augmentation)<br>Changes each training digit a little at random, differently in "
    "every epoch, as if another person had written it with another pen. The network learns what makes a 3"
    " a 3 and reads drawings better, but needs more epochs. The test digits do not change.",
    "shift_px": "<b>Shift</b><br>The most that a digit is moved, horizontally and vertically, in pixels of its 28.",
    "rotation_deg": "<b>Rotation</b><br>The most that a digit is turned, in either direction.",
    "scale": "<b>Size</b><br>The most that a digit grows or shrinks; width and height vary independently.",
    "shear": "<b>Slant</b><br>The most that a digit leans, in either direction: pixels sideways for each pixel up.",
    "elastic_px": "<b>Elastic</b><br>How far the points of a digit are moved, neighbours together, as if it were drawn "
    "on rubber. Imitates the wobble of handwriting.",
    "thickness_px": "<b>Thickness</b><br>The most that lines get thicker or thinner.",
    "shuffle": "Show other variations of these digits. Training never repeats one.",
    "preview": "Eight training digits as the network would see them with these settings.",
    "continues": "<b>Continue from current network</b><br>Train the current network instead of a new one. It must have"
    " the hidden layers and the activation set here.",
}
