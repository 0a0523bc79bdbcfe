"""A register as a value in Numba: Vec(elem, n) is LLVM's <n x elem>, one number of each of n members.

Numba's own vectoriser finds few of these loops, so the registers are written out. Floating-point flags are `contract`
(a product and a sum may become one FMA) and `nsz` (the sign of zero is free) and no others: NaN and infinity stay what
they are, sums keep their order.

Pointers are raw: nothing here checks a bound. `population.py` checks every shape before a pointer is made.
"""

from __future__ import annotations

import math
import operator
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import models, overload, register_model

from core.ml.fused import digest

FLAGS = ("contract", "nsz")
INT = ir.IntType(64)
intrinsic: Any = numba_intrinsic  # a call of one takes no typing context, as its definition does


def _lane_bytes() -> int:
    """Bytes of this processor's registers: 64 with AVX-512, 32 with AVX2, else 16 (SSE, NEON)."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512vl") and features.get("avx512dq"):
        return 64
    return 32 if features.get("avx2") and features.get("fma") else 16


BYTES = int(os.environ.get("LAB_LANE_BYTES", 0)) or _lane_bytes()
# Accumulators of the blocked product, rows × columns: as many as registers can hold besides the operands.
BLOCK = (5, 4) if BYTES == 64 or platform.machine().lower() in ("arm64", "aarch64") else (3, 4)


def cache_folder() -> Path:
    """Where compiled code is kept. Numba looks at neither imported modules nor lane width when it loads what it has
    compiled, so all that the code depends on is in the folder's name."""
    root = Path(os.environ.get("LAB_KERNELS") or Path(__file__).resolve().parents[3] / ".store" / "kernels")
    name = f"{digest()[:16]}-{llvm.get_host_cpu_name()}-{BYTES}"
    try:
        (root / name).mkdir(parents=True, exist_ok=True)
    except OSError:
        root = Path(tempfile.gettempdir()) / f"fused-kernels-{os.getuid() if hasattr(os, 'getuid') else 0}"
        (root / name).mkdir(parents=True, exist_ok=True)
    return root / name


def jit(function: Any = None, cache: bool = False) -> Any:
    """Compile without Python objects and without the interpreter's lock. What is not cached is a part of something that
    is: Python cannot call it, and the wrappers for that, a quarter of all work, are left out."""
    parts: dict[str, Any] = {"no_cpython_wrapper": not cache, "no_cfunc_wrapper": True}
    return numba.njit(function, cache=cache, error_model="numpy", nogil=True, **parts)


@jit
def apart(units: int) -> Any:
    """Registers from one example's units to the next one's: odd, since the same unit of many examples would else fall
    into few sets of the processor's first cache."""
    return units | 1


def lanes(elem: types.Float) -> int:
    """How many numbers of this type a register holds."""
    return BYTES // (elem.bitwidth // 8)


class Vec(types.Type):
    """A register of floating-point numbers."""

    def __init__(self, elem: types.Float):
        self.elem, self.n = elem, lanes(elem)
        super().__init__(name=f"Vec({elem}, {self.n})")


def _scalar(elem: types.Float) -> ir.Type:
    return ir.FloatType() if elem == types.float32 else ir.DoubleType()


def _vector(elem: types.Float) -> ir.VectorType:
    return ir.VectorType(_scalar(elem), lanes(elem))


@register_model(Vec)
class VecModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vec: Vec):
        super().__init__(manager, vec, _vector(vec.elem))


def _splat(b: ir.IRBuilder, x: Any, n: int) -> Any:
    """A register with x in every lane."""
    kind = ir.VectorType(x.type, n)
    first = b.insert_element(ir.Constant(kind, ir.Undefined), x, ir.Constant(ir.IntType(32), 0))
    return b.shuffle_vector(
        first, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), n), [0] * n)
    )


# Arithmetic: registers with registers, and with plain numbers


def _binary(op: Any, instruction: str) -> None:
    @infer_global(op)
    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            vec = next((a for a in args if isinstance(a, Vec)), None)
            if vec is None or kws or len(args) != 2:
                return None
            return signature(vec, *[a if isinstance(a, Vec) else vec.elem for a in args])

    def lower(context: Any, b: Any, sig: Any, args: Any) -> Any:
        n = sig.return_type.n
        both = [x if isinstance(t, Vec) else _splat(b, x, n) for x, t in zip(args, sig.args)]
        return getattr(b, instruction)(*both, flags=FLAGS)

    for left, right in ((Vec, Vec), (Vec, types.Float), (types.Float, Vec)):
        lower_builtin(op, left, right)(lower)


for _op, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _binary(_op, _instruction)


@intrinsic
def every(typing: Any, like: Any, x: Any) -> Any:
    """A register of the kind of `like` with the number x in every lane."""
    return like(like, like.elem), lambda context, b, sig, args: _splat(b, args[1], like.n)


@intrinsic
def pick(typing: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
    """Per lane x where a > b, else y; a comparison with NaN gives y. All four may be registers or numbers."""
    vec = next(t for t in (a, b, x, y) if isinstance(t, Vec))
    kinds = [t if isinstance(t, Vec) else vec.elem for t in (a, b, x, y)]

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b, x, y = (v if isinstance(t, Vec) else _splat(builder, v, vec.n) for v, t in zip(args, sig.args))
        return builder.select(builder.fcmp_ordered(">", a, b), x, y)

    return vec(*kinds), generate


@intrinsic
def root(typing: Any, a: Any) -> Any:
    """Square root."""

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        name = f"llvm.sqrt.v{a.n}f{a.elem.bitwidth}"
        kind = ir.FunctionType(args[0].type, [args[0].type])
        return b.call(b.module.globals.get(name) or ir.Function(b.module, kind, name), args)

    return a(a), generate


def _each_lane(function: Any) -> Any:
    """An intrinsic that calls a scalar function of the C library on every lane: exact, and slow."""

    def make(typing: Any, a: Any) -> Any:
        def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
            call = context.get_function(function, a.elem(a.elem))
            found = args[0]
            for i in range(a.n):
                place = ir.Constant(ir.IntType(32), i)
                found = b.insert_element(found, call(b, [b.extract_element(args[0], place)]), place)
            return found

        return a(a), generate

    return intrinsic(make)


_tanh64, _exp64, _log64, _erf64 = (_each_lane(f) for f in (math.tanh, math.exp, math.log, math.erf))


# Bits of float32 registers


def _on_bits(change: Any) -> Any:
    def make(typing: Any, a: Any) -> Any:
        def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
            kind = ir.VectorType(ir.IntType(32), a.n)
            constant = lambda value: ir.Constant(kind, [value] * a.n)  # noqa: E731
            return change(b, b.bitcast(args[0], kind), constant, args[0].type)

        return a(a), generate

    return intrinsic(make)


# 2ⁿ from n + 1.5·2²³, whose last bits are the whole number n.
_power_of_two = _on_bits(lambda b, bits, c, kind: b.bitcast(b.shl(b.add(bits, c(127)), c(23)), kind))
_mantissa = _on_bits(lambda b, bits, c, kind: b.bitcast(b.or_(b.and_(bits, c(0x7FFFFF)), c(0x3F800000)), kind))
_exponent = _on_bits(lambda b, bits, c, kind: b.sitofp(b.sub(b.lshr(bits, c(23)), c(127)), kind))


# Functions. In float64 they are those of the C library; in float32 polynomials that keep float32's accuracy.


def tanh(x: Any) -> Any:
    """Hyperbolic tangent; in float32 the rational approximation 13/6 of Eigen."""


@overload(tanh)
def _tanh(x: Any) -> Any:
    def tanh64(x: Any) -> Any:
        return _tanh64(x)

    def tanh32(x: Any) -> Any:
        x = pick(x, 7.90531110763549805, 7.90531110763549805, x)
        x = pick(-7.90531110763549805, x, -7.90531110763549805, x)
        s = x * x
        p = s * -2.76076847742355e-16 + 2.00018790482477e-13
        p = p * s + -8.60467152213735e-11
        p = p * s + 5.12229709037114e-08
        p = p * s + 1.48572235717979e-05
        p = p * s + 6.37261928875436e-04
        p = p * s + 4.89352455891786e-03
        q = s * 1.19825839466702e-06 + 1.18534705686654e-04
        q = q * s + 2.26843463243900e-03
        q = q * s + 4.89352518554385e-03
        return x * p / q

    return tanh32 if x.elem == types.float32 else tanh64


def exp(x: Any) -> Any:
    """eˣ of numbers x ≤ 0; in float32 the polynomial of Cephes (Moshier, 1989), zero below e⁻⁸⁷."""


@overload(exp)
def _exp(x: Any) -> Any:
    def exp64(x: Any) -> Any:
        return _exp64(x)

    def exp32(x: Any) -> Any:
        bounded = pick(-87.3, x, -87.3, x)
        shifted = bounded * 1.44269504088896341 + 12582912.0
        n = shifted - 12582912.0
        r = bounded - n * 0.693359375
        r = r - n * -2.12194440e-4
        p = r * 1.9875691500e-4 + 1.3981999507e-3
        p = p * r + 8.3334519073e-3
        p = p * r + 4.1665795894e-2
        p = p * r + 1.6666665459e-1
        p = p * r + 5.0000001201e-1
        p = p * (r * r) + r + 1.0
        return pick(-87.3, x, 0.0, p * _power_of_two(shifted))

    return exp32 if x.elem == types.float32 else exp64


def log(x: Any) -> Any:
    """Natural logarithm of numbers x ≥ 1; in float32 the polynomial of Cephes (Moshier, 1989)."""


@overload(log)
def _log(x: Any) -> Any:
    def log64(x: Any) -> Any:
        return _log64(x)

    def log32(x: Any) -> Any:
        m, e = _mantissa(x), _exponent(x)
        high = pick(m, 1.41421356237, 1.0, 0.0)
        m = m - high * 0.5 * m - 1.0
        e = e + high
        s = m * m
        p = m * 7.0376836292e-2 + -1.1514610310e-1
        p = p * m + 1.1676998740e-1
        p = p * m + -1.2420140846e-1
        p = p * m + 1.4249322787e-1
        p = p * m + -1.6668057665e-1
        p = p * m + 2.0000714765e-1
        p = p * m + -2.4999993993e-1
        p = p * m + 3.3333331174e-1
        p = p * m * s + e * -2.12194440e-4 - s * 0.5
        return m + p + e * 0.693359375 + (x - x)  # x − x is NaN where x is not finite

    return log32 if x.elem == types.float32 else log64


def erf(x: Any) -> Any:
    """Error function; in float32 the rational approximation 13/8 of Eigen."""


@overload(erf)
def _erf(x: Any) -> Any:
    def erf64(x: Any) -> Any:
        return _erf64(x)

    def erf32(x: Any) -> Any:
        x = pick(x, 4.0, 4.0, x)
        x = pick(-4.0, x, -4.0, x)
        s = x * x
        p = s * -2.72614225801306e-10 + 2.77068142495902e-08
        p = p * s + -2.10102402082508e-06
        p = p * s + -5.69250639462346e-05
        p = p * s + -7.34990630326855e-04
        p = p * s + -2.95459980854025e-03
        p = p * s + -1.60960333262415e-02
        q = s * -1.45660718464996e-05 + -2.13374055278905e-04
        q = q * s + -1.68282697438203e-03
        q = q * s + -7.37332916720468e-03
        q = q * s + -1.42647390514189e-02
        return x * p / q

    return erf32 if x.elem == types.float32 else erf64


# Memory. A pointer moves in numbers (`get`, `put`, `shift`) or in registers (`load`, `store`, `ahead`).


@intrinsic
def pointer(typing: Any, array: Any) -> Any:
    """The address of an array's first element."""

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, b, args[0]).data

    return types.CPointer(array.dtype)(array), generate


@intrinsic
def shift(typing: Any, p: Any, i: Any) -> Any:
    """The pointer i numbers further on."""
    return p(p, types.intp), lambda context, b, sig, args: b.gep(args[0], [args[1]])


@intrinsic
def get(typing: Any, p: Any, i: Any) -> Any:
    """The number at p[i]."""
    return p.dtype(p, types.intp), lambda context, b, sig, args: b.load(b.gep(args[0], [args[1]]))


@intrinsic
def put(typing: Any, p: Any, i: Any, x: Any) -> Any:
    """p[i] = x."""

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        b.store(args[2], b.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(p, types.intp, p.dtype), generate


def _register(b: Any, p: Any, i: Any, elem: types.Float) -> Any:
    return b.gep(b.bitcast(p, _vector(elem).as_pointer()), [i])


@intrinsic
def ahead(typing: Any, p: Any, i: Any) -> Any:
    """The pointer i registers further on."""

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return b.bitcast(_register(b, args[0], args[1], p.dtype), args[0].type)

    return p(p, types.intp), generate


@intrinsic
def load(typing: Any, p: Any, i: Any) -> Any:
    """The i-th register from p on."""

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        return b.load(_register(b, args[0], args[1], p.dtype), align=p.dtype.bitwidth // 8)

    return Vec(p.dtype)(p, types.intp), generate


@intrinsic
def store(typing: Any, p: Any, i: Any, v: Any) -> Any:
    """Put v, a register or a number for every lane, into the i-th register from p on."""
    kind = v if isinstance(v, Vec) else p.dtype

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        value = args[2] if isinstance(kind, Vec) else _splat(b, args[2], lanes(p.dtype))
        b.store(value, _register(b, args[0], args[1], p.dtype), align=p.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(p, types.intp, kind), generate


@intrinsic
def transpose(typing: Any, out: Any, p: Any, starts: Any, at: Any) -> Any:
    """Turn a square of lanes × lanes numbers: p[starts[q] + at + i] goes to lane q of out's register at + i."""
    n, kind = lanes(p.dtype), _vector(p.dtype)

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        out, source, starts, at = args
        found, align = [], p.dtype.bitwidth // 8
        for q in range(n):
            start = b.load(b.gep(starts, [ir.Constant(INT, q)]))
            row = b.gep(source, [b.add(start, at)])
            found.append(b.load(b.bitcast(row, kind.as_pointer()), align=align))
        half = n // 2
        while half:  # each round exchanges the off-diagonal quarters of smaller squares
            upper = [n + i - half if i & half else i for i in range(n)]
            lower = [n + i if i & half else i + half for i in range(n)]
            masks = [ir.Constant(ir.VectorType(ir.IntType(32), n), mask) for mask in (upper, lower)]
            for q in range(n):
                if not q & half:
                    pair = found[q], found[q + half]
                    found[q], found[q + half] = (b.shuffle_vector(*pair, mask) for mask in masks)
            half //= 2
        for i, register in enumerate(found):
            b.store(register, _register(b, out, b.add(at, ir.Constant(INT, i)), p.dtype), align=align)
        return context.get_dummy_value()

    return types.void(out, p, starts, types.intp), generate


@intrinsic(prefer_literal=True)
def product(
    typing: Any, rows: Any, columns: Any, A: Any, am: Any, ak: Any, B: Any, bk: Any, bn: Any, C: Any, cm: Any, cn: Any,
    K: Any, bias: Any, step: Any,
) -> Any:  # fmt: skip
    """C[m, n] = bias[n] + Σₖ A[m, k] B[k, n] for a block of rows × columns registers held in accumulators (strides in
    registers, K ≥ 1). Each sum runs over k in order, so how C is cut into blocks does not change a bit."""
    height, width, elem = rows.literal_value, columns.literal_value, C.dtype

    def generate(context: Any, b: Any, sig: Any, args: Any) -> Any:
        _, _, A, am, ak, B, bk, bn, C, cm, cn, K, bias, step = args
        align = elem.bitwidth // 8
        fetch = lambda p, i: b.load(_register(b, p, i, elem), align=align)  # noqa: E731
        times = lambda stride, i: b.mul(stride, ir.Constant(INT, i))  # noqa: E731
        blocks = [(m, n) for m in range(height) for n in range(width)]
        first = [fetch(bias, times(step, n)) for n in range(width)]
        before, loop, after = b.block, b.append_basic_block("k"), b.append_basic_block("done")
        b.branch(loop)
        b.position_at_end(loop)
        k = b.phi(INT)
        k.add_incoming(ir.Constant(INT, 0), before)
        sums = []
        for _, n in blocks:
            sums.append(b.phi(first[n].type))
            sums[-1].add_incoming(first[n], before)
        a = [fetch(A, b.add(b.mul(k, ak), times(am, m))) for m in range(height)]
        c = [fetch(B, b.add(b.mul(k, bk), times(bn, n))) for n in range(width)]
        new = [b.fadd(s, b.fmul(a[m], c[n], flags=FLAGS), flags=FLAGS) for s, (m, n) in zip(sums, blocks)]
        following = b.add(k, ir.Constant(INT, 1))
        b.cbranch(b.icmp_signed("<", following, K), loop, after)
        k.add_incoming(following, loop)
        for s, value in zip(sums, new):
            s.add_incoming(value, loop)
        b.position_at_end(after)
        for value, (m, n) in zip(new, blocks):
            b.store(value, _register(b, C, b.add(times(cm, m), times(cn, n)), elem), align=align)
        return context.get_dummy_value()

    i = types.intp
    return types.void(rows, columns, A, i, i, B, i, i, C, i, i, i, bias, i), generate
