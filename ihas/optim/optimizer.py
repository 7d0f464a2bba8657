"""Update rules for variables: SGD, AdaGrad, Adadelta, RMSprop and Adam, as TensorFlow's kernels compute them.

    sgd       w <- w - lr g
    adagrad   s <- s + g^2,                        w <- w - lr g / (sqrt(s) + eps)             Duchi et al. 2011
    rmsprop   s <- .9 s + .1 g^2,                  w <- w - lr g / sqrt(s + eps)               Tieleman and Hinton 2012
    adadelta  s <- .95 s + .05 g^2,                w <- w - lr g sqrt(u + eps) / sqrt(s + eps),
              u <- .95 u + .05 (the step / lr)^2                                               Zeiler 2012
    adam      m <- .9 m + .1 g,  v <- .999 v + .001 g^2,
              w <- w - lr sqrt(1 - .999^t) / (1 - .9^t) m / (sqrt(v) + eps)              Kingma and Ba 2015, algorithm 1

eps = 1e-7, every state starts at zero.
"""

from __future__ import annotations

from typing import Literal

from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.optim.table_kernels import BETA_1, BETA_2, EPSILON

Rule = Literal["sgd", "adagrad", "adadelta", "rmsprop", "adam"]
NUM_STATES: dict[Rule, int] = {"sgd": 0, "adagrad": 1, "adadelta": 2, "rmsprop": 2, "adam": 2}


class UpdateRule(tf.Module):
    """One rule with its state for some variables."""

    def __init__(self, rule: Rule, variables: list[Tensor]) -> None:
        super().__init__(rule)
        self.rule, self.changed = rule, variables
        self.steps = tf.Variable(0.0, trainable=False)
        self.states = [[tf.Variable(tf.zeros_like(variable), trainable=False) for _ in range(NUM_STATES[rule])] for variable in variables]

    def apply(self, gradients: list[Tensor], learning_rate: Tensor) -> None:
        """One step of every variable."""
        self.steps.assign_add(1.0)
        for variable, states, gradient in zip(self.changed, self.states, gradients, strict=True):
            self._apply(variable.handle, [state.handle for state in states], gradient, tf.cast(learning_rate, gradient.dtype))

    def _apply(self, var: Tensor, states: list[Tensor], grad: Tensor, lr: Tensor) -> None:
        ops, dtype = tf.raw_ops, grad.dtype
        eps = tf.constant(EPSILON, dtype)
        if self.rule == "sgd":
            ops.ResourceApplyGradientDescent(var=var, alpha=lr, delta=grad)
        elif self.rule == "adagrad":
            ops.ResourceApplyAdagradV2(var=var, accum=states[0], lr=lr, epsilon=eps, grad=grad)
        elif self.rule == "rmsprop":
            decay, momentum = tf.constant(0.9, dtype), tf.constant(0.0, dtype)
            ops.ResourceApplyRMSProp(var=var, ms=states[0], mom=states[1], lr=lr, rho=decay, momentum=momentum, epsilon=eps, grad=grad)
        elif self.rule == "adadelta":
            rho = tf.constant(0.95, dtype)
            ops.ResourceApplyAdadelta(var=var, accum=states[0], accum_update=states[1], lr=lr, rho=rho, epsilon=eps, grad=grad)
        else:
            first, second = tf.constant(BETA_1, dtype), tf.constant(BETA_2, dtype)
            powers = {f"beta{i}_power": tf.pow(beta, tf.cast(self.steps, dtype)) for i, beta in ((1, first), (2, second))}
            ops.ResourceApplyAdam(
                var=var, m=states[0], v=states[1], **powers, lr=lr, beta1=first, beta2=second, epsilon=eps, grad=grad
            )  # fmt: skip


class Adam(UpdateRule):
    """The rule that networks are trained by unless another one is asked for."""

    def __init__(self, variables: list[Tensor]) -> None:
        super().__init__("adam", variables)
