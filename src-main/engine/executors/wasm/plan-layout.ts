/**
 * The memory layout that the engine writes and the kernels read: one file for TypeScript and AssemblyScript. Offsets are
 * in bytes; every field is an i32, except scales and epsilons, which are f32.
 */

/** Size of one operation of a plan. */
export const OP_BYTES = 128;

export const OP_CODE = 0;

// Operation codes.
export const LINEAR = 1;
export const QUANTIZE = 2;
export const EMBED = 3;
export const LAYER_NORM = 4;
export const RMS_NORM = 5;
export const ROPE = 6;
export const UNARY = 7;
export const BINARY = 8;
export const CACHE_WRITE = 9;
export const ATTENTION = 10;
export const GATHER = 11;
export const COPY = 12;
export const ATTENTION_MERGE = 13;
export const LOGIT_SUMS = 14;
// While weights are loaded.
export const PACK = 15;
export const RAISE = 16;

/**
 * Set: the next operation shares this one's chunks, because each part of it needs only the same part of this one: a gate
 * and the gated product, or consecutive row-by-row operations.
 */
export const OP_FLAGS = 4;
export const FLAG_CHAIN = 1;
/** Set: only rows whose logits are requested. */
export const FLAG_LOGIT_ROWS = 2;
/** Set: depends on an earlier operation, which every thread must have finished. */
export const FLAG_BARRIER = 4;

// Common to all: input, output, and bytes per row.
export const OP_X = 8;
export const OP_X_STRIDE = 12;
export const OP_Y = 16;
export const OP_Y_STRIDE = 20;
/** Values per row of the input. */
export const OP_WIDTH = 24;
/** Weight matrix, norm gain, or table of an embedding. */
export const OP_WEIGHT = 28;
export const OP_BIAS = 32;
export const OP_LAYOUT = 36;
/** Values per row of the output. */
export const OP_OUTPUTS = 40;
export const OP_ACTIVATION = 44;
export const OP_OPERAND = 48;
export const OP_OPERAND_STRIDE = 52;
export const OP_OPERAND_MODE = 56;
export const OP_EPS = 60;
export const OP_FACTOR = 60;
/** Embedding: 0 by token, 1 by position. Unary: the function. Rope: 0 interleaved, 1 halves. */
export const OP_KIND = 64;
export const OP_HEADS = 68;
/** Linear and embedding: the matrix's float16 numbers are stored times 2 to this power, see pack/raise.ts of the kernels. */
export const OP_RAISED = 68;
export const OP_KV_HEADS = 72;
export const OP_HEAD_DIM = 76;
export const OP_CELLS = 80;
export const OP_SOFTCAP = 84;
/** Index of the run's array of first attended entries. */
export const OP_STARTS = 88;
/** Address for tapped attention weights, 0 for none. */
export const OP_TAP = 92;
/** K and V storage: `[kvHeads, cells, headDim]`, of type OP_LAYOUT. */
export const OP_KEYS = 96;
export const OP_VALUES = 100;
export const OP_PAIRS = 104;
/** Second input of a binary operation, v of a cache write. */
export const OP_X2 = 108;
export const OP_X2_STRIDE = 112;
/** Chunks taken so far by any thread. */
export const OP_TAKEN = 116;
/** Integer layouts: the code of weight 0. */
export const OP_ZERO = 120;
/** Bytes of eight rows of weights. */
export const OP_PANEL_BYTES = 124;
// PACK and RAISE: panels of the matrix OP_WEIGHT, from OP_PANEL on; and the rows of a file at OP_X, of OP_X_STRIDE bytes each.
export const OP_PANEL = 88;
export const OP_PANELS = 92;
/** `PACK_*`. */
export const OP_PACKING = 76;
export const OP_FIRST_ROW = 80;
export const OP_ROWS = 96;

export const ACTIVATION_RELU = 1;
export const ACTIVATION_SILU = 2;
export const ACTIVATION_GELU = 3;
export const UNARY_SCALE = 4;
export const UNARY_SOFTCAP = 5;

export const OPERAND_ADD = 1;
export const OPERAND_MUL = 2;

// Weight layouts: 8 rows interleaved; see int8/codes.ts, half/linear.ts and float/linear.ts of the kernels.
export const LAYOUT_F32 = 0;
export const LAYOUT_Q8 = 1;
export const LAYOUT_Q4 = 2;
export const LAYOUT_Q4_MIN = 3;
export const LAYOUT_F16 = 4;
export const LAYOUT_Q8_SIGNED = 5;
export const LAYOUT_Q5 = 6;
export const LAYOUT_Q5_MIN = 7;
export const LAYOUT_Q6 = 8;
export const LAYOUT_IQ4 = 9;
// As Q4 and Q4_MIN in memory; products are summed in 16 bits first, see base/dot.ts.
export const LAYOUT_Q4_SHORT = 10;
export const LAYOUT_Q4_MIN_SHORT = 11;
/** As F16 in memory. */
export const LAYOUT_BF16 = 12;
export const LAYOUT_Q3 = 13;
/** As Q3 in memory, with sums of 16 bits. */
export const LAYOUT_Q3_SHORT = 14;

/**
 * A block of 32 quantised activations: i8 codes, f32 scale (times F16_INPUT_SCALE), i32 sum of the codes, f32 their product,
 * i32 sum of the first 16 codes.
 */
export const XQ_BLOCK = 48;
export const XQ_SCALE = 32;
export const XQ_SUM = 36;
export const XQ_SCALED_SUM = 40;
export const XQ_LOW_SUM = 44;

/** Panels of all streams whose sums of four rows are kept and finished together, see int8/linear.ts of the kernels. */
export const KEPT_PANELS = 32;

/** Factor on the inputs of binary16 products; see half/linear.ts of the kernels. */
export const F16_INPUT_SCALE = 72057594037927936;
/** F16_INPUT_SCALE is 2 to this power. */
export const F16_INPUT_EXPONENT = 56;
/** Makes the smallest subnormal binary16 normal. */
export const RAISED_BY = 10;

// How the blocks of a file are packed, see pack/ of the kernels.
export const PACK_F32 = 0;
export const PACK_HALF = 1;
export const PACK_Q8 = 2;
export const PACK_Q8_UNSIGNED = 3;
export const PACK_Q8_SIGNED = 4;
export const PACK_Q4 = 5;
export const PACK_Q4_MIN = 6;
export const PACK_Q5 = 7;
export const PACK_Q5_MIN = 8;
export const PACK_Q4_K = 9;
export const PACK_Q5_K = 10;
export const PACK_Q6_K = 11;
export const PACK_Q3_K = 12;

// Header of one run: its tokens, their cells and contexts.
export const RUN_ROWS = 0;
export const RUN_LOGIT_ROWS = 4;
/** `[rows]` i32 each. */
export const RUN_TOKENS = 8;
export const RUN_POSITIONS = 12;
export const RUN_ROW_CELLS = 16;
/**
 * `[rows]`: pointer to the list of cells of the row's sequence. Below it, in descending order, is one entry per chunk:
 * its first cell if its cells are contiguous, else -1.
 */
export const RUN_CONTEXTS = 20;
/** `[rows]`: number of attended entries of that list. */
export const RUN_ENDS = 24;
/** `[windows, rows]`: first attended entry; the first window is none. */
export const RUN_STARTS = 28;
/** `[logit rows]`: row indices. */
export const RUN_LOGIT_INDICES = 32;
/** Per thread: scratch memory for attention of one block of rows. */
export const RUN_SCRATCH = 36;
export const RUN_SCRATCH_STRIDE = 40;
/** Entries of the longest context of the batch. */
export const RUN_MAX_CONTEXT = 44;
/** Set once the run is cancelled. */
export const RUN_CANCELLED = 48;
/** `[blocks]`: first row and number of rows that attend together. */
export const RUN_BLOCKS = 52;
/** Per thread: scratch memory for the tiles of two panels. */
export const RUN_TILES = 56;
export const RUN_TILE_STRIDE = 60;
export const RUN_BLOCK_COUNT = 64;
/** Maximum queries of a block: its rows x the heads that share a K/V head. */
export const RUN_MAX_QUERIES = 68;
/** Chunks of the longest context, each a separate task for a thread; 0: one task handles all chunks of its rows. */
export const RUN_SPLITS = 72;
/** `[rows, heads, chunks]`: partial results of each chunk, when they are separate tasks. */
export const RUN_PARTIALS = 76;
/** Per operation of the plan two f64, ms: computing and waiting; 0 without profiling. */
export const RUN_PROFILE = 80;
/** Number of interleaved streams for products of few rows: 8 or 2, see base/streams.ts of the kernels; 0: one. */
export const RUN_STREAMS = 84;
/** Set once a NaN was stored in binary16, which readers take for a number; see attention/cache.ts of the kernels. */
export const RUN_NOT_NUMBERS = 88;
/** Set by PACK if a number of the matrix is too large to be raised. RAISE then does nothing. */
export const RUN_TOO_LARGE = 92;
export const RUN_BYTES = 96;

/** Entries of a context that share one softmax; see attention/attention.ts of the kernels. */
export const ATTENTION_CHUNK = 128;
/** Per query of a block, and of a separate chunk: highest score, sum of weights. */
export const ATTENTION_STATS = 16;
export const ATTENTION_SCORE_STRIDE = 528;

/** Logits per block statistic (maximum and sum of exponentials): four panels, which no chunk of few rows splits. */
export const LOGIT_BLOCK = 32;

/** Two f64 per operation. */
export const PROFILE_BYTES = 16;

// State of the threads that run plans together. Fields that several of them write are on separate cache lines.
/** Number of runs, and in the lower twelve bits how many threads compute the latest: its change wakes these. */
export const POOL_RUNS = 0;
export const RUN_THREADS_BITS = 12;
/** Threads that have reached the barrier. */
export const POOL_ARRIVED = 64;
/** Number of barriers: its change releases the threads. */
export const POOL_BARRIERS = 128;
/** Threads that sleep until runs or barriers change. */
export const POOL_SLEEPING = 192;
export const POOL_PLAN = 256;
export const POOL_COUNT = 260;
export const POOL_RUN = 264;
/** Threads for the next run, including the engine's own. */
export const POOL_THREADS = 268;
/** Set: the threads exit. */
export const POOL_STOP = 272;
/** Set by a thread that failed, so that nobody waits for it. */
export const POOL_FAILED = 276;
/** Number of runs on more threads than the run before: its change wakes the idle ones. */
export const POOL_CALLS = 320;
/** Consecutive sleeps without progress before the engine's thread stops waiting for the others. */
export const POOL_BUDGET = 324;
/** In the first memory of a model: number of the memory in which the latest run computes. */
export const POOL_PART = 328;
/** Chunks that a thread has computed so far, written by it alone: one cache line per thread, at most 64 threads. */
export const POOL_PROGRESS = 384;
export const POOL_PROGRESS_LINES = 64;
/** In the same line: how often the thread looks at a barrier before it sleeps; 0 before its first. */
export const POOL_SPINS = POOL_PROGRESS + 4;
/** In the same line: how often the thread waited in vain at a barrier, and slept. */
export const POOL_WAITS = POOL_PROGRESS + 8;
export const POOL_BYTES = 4480;
