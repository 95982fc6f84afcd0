/** The names live with the program, because architectures use them; who runs programs finds them here. */
export { TAPS } from '../program/taps.ts';
