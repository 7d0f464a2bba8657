"""iHAS on one page: find out which embedding dimensions each instance needs, group the instances, train a model per group.

Run it: python docs/mini_ihas.py. Method: Yu, Qi, Yang, Jiang and Niu, CIKM 2023. The library does the same with real data,
early stopping, controls and serving; here every line is there to be read. Shapes: B rows of a batch, R rows of a table of
clicks, F = 4 fields, D = 4 dimensions of a field's embedding, N = F * D = 16, K = 2 groups.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow would speak of GPUs

import numpy as np
import tensorflow as tf
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, log_loss, roc_auc_score

F, D, K, VALUES = 4, 4, 2, 20
N = F * D
rng = np.random.default_rng(0)
tf.random.set_seed(0)

# 1. Data whose answer is known. A user's tribe says which of two tastes decides about the click; the other fields are noise.

def draw(rows):
    """Fields (rows, F): tribe, taste 0, taste 1, noise. P(click) = sigmoid(3 w), w in [-1, 1] evenly spaced over the values."""
    tribe, values = rng.integers(K, size=rows), rng.integers(VALUES, size=(rows, F - 1))  # (R,), (R, F-1)
    log_odds = 3.0 * np.linspace(-1, 1, VALUES)[values[np.arange(rows), tribe]]  # (R,)
    click = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.float32)  # (R,)
    ids = np.column_stack([tribe, values]) + np.arange(F) * VALUES  # (R, F): field f owns the table's rows f*VALUES and on
    return ids.astype(np.int32), click, tribe, log_odds


TRAIN, VALID, TEST = draw(20_000), draw(5_000), draw(5_000)

# 2. The plain model: logit = w . (e * m) + b, with the embedding e of the row and m = 1: every dimension is kept.

class Model:
    """Embedding table (F*VALUES, D), weights (N, 1), bias (1,)."""

    def __init__(self, like=None):
        fresh = [0.1 * rng.normal(size=(F * VALUES, D)), 0.1 * rng.normal(size=(N, 1)), np.zeros(1)]
        self.variables = [tf.Variable(value, dtype=tf.float32) for value in (like.variables if like else fresh)]

    def embed(self, ids):
        return tf.reshape(tf.gather(self.variables[0], ids), [-1, N])  # (B, F) -> (B, F, D) -> (B, N)

    def logits(self, e, mask):
        return ((e * mask) @ self.variables[1] + self.variables[2])[:, 0]  # (B, N) * (B, N) or (N,) -> (B,)


def train(loss, variables, rows, epochs, rate=0.01, batch=256):
    """Adam (Kingma and Ba 2015) on loss(ids (B, F), clicks (B,)); the moments m and s have the shapes of their variables."""
    ids, clicks = rows
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]
    steps = tf.Variable(0.0)

    @tf.function(autograph=False)
    def step(ids, clicks):
        with tf.GradientTape() as tape:
            value = loss(ids, clicks)
        steps.assign_add(1.0)
        scale = rate * tf.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
        for v, (m, s), g in zip(variables, moments, tape.gradient(value, variables), strict=True):
            g = tf.convert_to_tensor(g)  # sums the gradients of a table row over its occurrences
            m.assign(0.9 * m + 0.1 * g)
            s.assign(0.999 * s + 0.001 * g * g)
            v.assign_sub(scale * m / (tf.sqrt(s) + 1e-7))

    for _ in range(epochs):
        for drawn in np.array_split(rng.permutation(len(ids)), len(ids) // batch):
            step(tf.constant(ids[drawn]), tf.constant(clicks[drawn]))


def cross_entropy(clicks, logits):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(clicks, logits))  # (B,), (B,) -> ()


base = Model()
train(lambda ids, y: cross_entropy(y, base.logits(base.embed(ids), 1.0)), base.variables, TRAIN[:2], epochs=4)

# 3. Search: a Bernoulli gate over each of the N dimensions, fed by the instance's own embedding, on top of the trained model.

supernet, STRENGTH, KEEP = Model(like=base), 0.01, 0.7
start = base.embed(TRAIN[0]).numpy()  # (R, N)
mean, deviation = start.mean(axis=0), start.std(axis=0) + 1e-4  # (N,), (N,): without standardising e all instances gate alike
W, c = tf.Variable(0.02 * rng.normal(size=(N, N)), dtype=tf.float32), tf.Variable(tf.fill([N], 2.0))  # gates start open


def gate_logits(e):
    return tf.stop_gradient(e - mean) / deviation @ W + c  # (B, N) @ (N, N) + (N,) -> (B, N)


def sample(a):
    """z = 1[s > 1/2] going forward, the gradient of s going back (straight-through); E z = sigmoid(a)."""
    u = tf.random.uniform(tf.shape(a), 1e-6, 1 - 1e-6)  # (B, N)
    s = tf.sigmoid(a + tf.math.log(u) - tf.math.log(1 - u))  # (B, N)
    return s + tf.stop_gradient(tf.cast(s > 0.5, tf.float32) - s)  # (B, N)


def entropy(p):
    return -p * tf.math.log(p + 1e-7) - (1 - p) * tf.math.log(1 - p + 1e-7)  # element by element, in nats


def search_loss(ids, clicks):
    e = supernet.embed(ids)  # (B, N)
    a = gate_logits(e)  # (B, N)
    pi = tf.sigmoid(a)  # (B, N)
    information = tf.reduce_mean(entropy(tf.reduce_mean(pi, axis=0))) - tf.reduce_mean(entropy(pi))  # (): of instance and gate
    penalty = 10 * (tf.reduce_mean(pi) - KEEP) ** 2 - information  # (): gates decided, different between instances, KEEP open
    return cross_entropy(clicks, supernet.logits(e, sample(a))) + STRENGTH * penalty


train(search_loss, [*supernet.variables, W, c], TRAIN[:2], epochs=8)

# 4. Groups: K-means on the deterministic gates; then one mask per group. The paper clusters e * z; on this data e tells values
# of tastes apart and hides which gates are open, so we cluster z alone. The library tries both and lets validation choose.

def deterministic_gates(ids):
    return tf.cast(gate_logits(supernet.embed(ids)) > 0, tf.float32).numpy()  # (R, F) -> (R, N)


kmeans = KMeans(K, n_init=4, random_state=0).fit(deterministic_gates(TRAIN[0]))  # K centroids (N,)
group_of = [kmeans.predict(deterministic_gates(part[0])) for part in (TRAIN, VALID, TEST)]  # (R,) each: nearest centroid
masks = np.zeros((K, N), np.float32)
for k in range(K):
    ids, clicks = (column[group_of[1] == k] for column in VALID[:2])  # (R_k, F), (R_k,)
    mean_gate = deterministic_gates(TRAIN[0][group_of[0] == k]).mean(axis=0)  # (N,)
    grid = [(mean_gate >= threshold).astype(np.float32) for threshold in np.arange(0.1, 1.0, 0.1)]  # (N,) each
    losses = [log_loss(clicks, tf.sigmoid(supernet.logits(supernet.embed(ids), mask)).numpy()) for mask in grid]
    masks[k] = grid[np.argmin(losses)]

# 5. A model per group, from fresh weights, on the group's rows and kept dimensions; each row is routed to its group's model.

grouped = np.zeros(len(TEST[0]), np.float32)  # (R,)
for k in range(K):
    model, rows_of_group = Model(), [column[group_of[0] == k] for column in TRAIN[:2]]
    train(lambda ids, y: cross_entropy(y, model.logits(model.embed(ids), masks[k])), model.variables, rows_of_group, epochs=8)
    routed = group_of[2] == k  # (R,)
    grouped[routed] = model.logits(model.embed(TEST[0][routed]), masks[k])

plain = base.logits(base.embed(TEST[0]), 1.0)  # (R,)
own_gates = supernet.logits(supernet.embed(TEST[0]), deterministic_gates(TEST[0]))  # (R,)
for name, logits in {"base": plain, "supernet": own_gates, "grouped": grouped, "best reachable": TEST[3]}.items():
    print(f"{name} AUC: {roc_auc_score(TEST[1], logits):.4f}")
print(f"adjusted Rand index: {adjusted_rand_score(TEST[2], group_of[2]):.4f}")
print("kept dimensions of tribe, taste 0, taste 1, noise:", *(mask.reshape(F, D).sum(axis=1).astype(int).tolist() for mask in masks))
