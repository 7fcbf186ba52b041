/* Block floating point: how integers stand for numbers in the operands of integer kernels.
 *
 * A lane is cut along its depth into blocks. Each has one scale, its largest magnitude over
 * `levels`, and its numbers are the nearest integers to x / scale, which are at most `levels` in
 * magnitude: x times levels / largest is off by two roundings, less than 1e-3. Sums over a block are
 * exact, whatever the numbers are, as long as block levels^2 < 2^31. */
#ifndef BLOCK_FLOATING_H
#define BLOCK_FLOATING_H

/* The least that counts as the largest magnitude of a block, so that a scale is no denormal number,
 * and its inverse not infinity: 2^-113, where normal numbers begin at 2^-126. Blocks of zeros, or of
 * denormal numbers, become zeros. */
#define LEAST_LARGEST 0x1p-113f

#endif
