/** The hidden page whose Workers have WebGPU. */

/** File of the page. */
export const GPU_PAGE = 'gpu.html';
/** From the main process to the page's preload script: a port to the engine. */
export const GPU_PORT_CHANNEL = 'gpu-port';
/** From the preload script to the page, with the port. */
export const GPU_PORT_MESSAGE = 'tokenscope-gpu-port';
