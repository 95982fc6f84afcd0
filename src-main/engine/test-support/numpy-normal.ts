/**
 * Normally distributed numbers bit-identical to numpy's `default_rng(seed).standard_normal()`, so that fixtures' weights
 * are generated instead of stored. SeedSequence and PCG64 (O'Neill, 2014), ziggurat of 256 layers (Marsaglia and Tsang,
 * 2000).
 */
export class NumpyNormal {
  private readonly bits: Pcg64;

  /** @param seed 0..2^32-1 */
  constructor(seed: number) {
    this.bits = new Pcg64(seed);
  }

  next(): number {
    for (;;) {
      const { low, high } = this.bits.next();
      const layer = low & 0xff;
      const negative = (low & 0x100) !== 0;
      // 52 bits above the layer and the sign.
      const magnitude = (high & 0x1fffffff) * 2 ** 23 + (low >>> 9);
      const x = (negative ? -magnitude : magnitude) * (EDGES[layer] / 2 ** 52);
      if (magnitude < INSIDE[layer]) return x;
      if (layer === 0) return this.tail(Math.floor(magnitude / 2 ** 8) % 2 === 1 ? -1 : 1);
      const height = (DENSITY[layer - 1] - DENSITY[layer]) * this.uniform() + DENSITY[layer];
      if (height < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /** Beyond the last layer. */
  private tail(sign: 1 | -1): number {
    for (;;) {
      const x = -Math.log1p(-this.uniform()) / EDGES[255];
      const y = -Math.log1p(-this.uniform());
      if (2 * y > x * x) return sign * (EDGES[255] + x);
    }
  }

  private uniform(): number {
    const { low, high } = this.bits.next();
    return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
  }
}

/**
 * Right edges of the layers, each of the area V under the normal density: x_255 = 3.6541528853610088, then
 * x_i = density^-1(V / x_(i+1) + density(x_(i+1))); x_0 = V / density(x_255).
 */
const EDGES = new Float64Array(
  Uint8Array.from(
    atob(
      'gtkVeDtJD0BI9/3jC43LP9xbLDyvUNI/gjtEOLl81T8opy/o/AHYP9bQTC4MI9o/EWI4L00A3D+KcnRaL6zdP9nVTC1IMt8/uLuO' +
        'JzJN4D9NXQI7BfXgP4A2QZemkuE//Rp6j6In4j+I2GM4LrXiP/2RV8A/POM/N7GiwZ694z9dm/+N7znkP7D+PTa7seQ/fNMaYnUl' +
        '5T+ezgengJXlP/N+2c8xAuY/RnyjYdJr5j95BQCSotLmP7D4RtPaNuc/gCqzEK2Y5z9L9UatRfjnP38KQ1PMVeg/oXZ7nmSx6D+g' +
        'z06pLgvpP/IeLIJHY+k/TsU4jsm56T8zp6TczA7qP2HNd21nYuo/OBYQbq206j+jbBNtsQXrPzB6QoeEVes/Qp9Sjjak6z86gr8q' +
        '1vHrP/lOWflwPuw/ZzsypROK7D+RJnL+ydTsP023gA6fHu0/FR/kKZ1n7T/JuCMAzq/tP1h28ak69+0/BO7Stes97j8Fb3oz6YPu' +
        'P9OC+b06ye4/K2LwhOcN7z+N9thU9lHvP7TXh55tle8/si76fVPY7z/vNELgVg3wP56POfVALvA/AKYWnupO8D8UoHJbVm/wPw/0' +
        'cZCGj/A/F2G8hH2v8D+DzEtmPc/wP28IFkvI7vA/8RWVMiAO8T/CDzEHRy3xP0SRjp8+TPE/ISDEvwhr8T832ngap4nxP4tt7lEb' +
        'qPE/zyr4+GbG8T8x1OCTi+TxP6OgQJmKAvI/7MbEcmUg8j8iw+l9HT7yP/9rqQy0W/I/gtMdZip58j8d1xnHgZbyP9wuuGK7s/I/' +
        'VrjhYtjQ8j+Rqcvo2e3yP9pIbg3BCvM/NLn04Y4n8z+kXiZwRETzP9hSyrriYPM/bVgFvmp98z9nsrJv3ZnzPwY9uL87tvM/4x1W' +
        'mIbS8z+GWnLevu7zP3ae4HHlCvQ/X3SmLfsm9D+mMDzoAEP0P1/HynP3XvQ/OMNmnt969D8wj0gyupb0P15BAvaHsvQ/3RGzrEnO' +
        '9D8GpjgWAOr0P2NVXu+rBfU/XIsK8k0h9T9RZmrV5jz1P8myG053WPU/el9VDgB09T8WhQ7GgY/1P1sbJCP9qvU/P3N90XLG9T/V' +
        'jC974+H1Pzlen8hP/fU/xR+jYLgY9j+ksKLoHTT2Pw0mtwSBT/Y/dJbJV+Jq9j85MbGDQob2P7SyUCmiofY/vkOz6AG99j9V0yhh' +
        'Ytj2P1b4YTHE8/Y/7WiL9ycP9z/IFGlRjir3P93ucNz3Rfc/IHPlNWVh9z9L9O/61nz3P5W9ushNmPc/CxSLPMqz9z/9ItvzTM/3' +
        'P+jec4zW6vc/IOqGpGcG+D93hsjaACL4Pxafic6iPfg/vvXRH05Z+D/HfnpvA3X4Py/3R1/DkPg/RcAFko6s+D+dDKGrZcj4Pyhq' +
        'RFFJ5Pg/kbVzKToA+T9JgyjcOBz5P/4K7xJGOPk/jKIDeWJU+T/w1XC7jnD5PzMqLonLjPk/wZk/kxmp+T8u2dWMecX5PxR0byvs' +
        '4fk/TtL6JnL++T+WNvk5DBv6P1/IoiG7N/o/i7sLnn9U+j+nqUpyWnH6P0AxoGRMjvo/C/GfPlar+j/Q9VrNeMj6Pzizi+G05fo/' +
        'HKHDTwsD+z9cmJrwfCD7PwEM4KAKPvs/BD3OQbVb+z8oiT+5fXn7Pz335fFkl/s/biWF22u1+z+iwC5rk9P7P4OugZvc8fs/oBbs' +
        'bEgQ/D8tevDl1y78Px0NbhOMTfw/BofsCGZs/D8XpuvgZov8P6yiNr2Pqvw/kNY7x+HJ/D844GgwXun8P2+PizIGCf0/Ie83ENso' +
        '/T9HxjMV3kj9PyPx55YQaf0/pfvX9HOJ/T9vbiCZCar9PwxJ/PjSyv0/NC5SldHr/T8Z0kn7Bg3+P/NG6sR0Lv4/htHBmRxQ/j8j' +
        '/pcvAHL+Pwm/KkshlP4/CG/3wIG2/j86pxB2I9n+P6nsAWEI/P4/IVPCijIf/z9tTbcPpEL/P2gBySBfZv8/gpeJBGaK/z+/InEY' +
        'u67/P4bnL9Jg0/8/C/YYwVn4/z91oNNH1A4AQEfJjwKoIQBAqwKpg6k0AEDH9T5O2kcAQH6zrfY7WwBAaSanI9BuAEAYLmOPmIIA' +
        'QFWi6AiXlgBAxcBxdc2qAEBJ1O7RPb8AQDI9qjTq0wBAlGURz9ToAEC4n6bv//0AQENwIARuEwFAN127myEpAUBvCcRpHT8BQD0u' +
        'YEhkVQFA9e6dO/lrAUBiEtJ034IBQK3rTlYamgFAjy9/d62xAUCVpnGpnMkBQDqu5Pvr4QFAAdniwp/6AUCCzASdvBMCQO/Tb3pH' +
        'LQJAJZyspEVHAkDgWHbHvGECQC5ZqPqyfAJAeA53zS6YAkBTCipTN7QCQJjbljHU0AJA9XipsQ3uAkDurlbS7AsDQKOkaF57KgNA' +
        'oxKuBcRJA0BAqDN60mkDQApBVpKzigNA+4iucHWsA0CmBBezJ88DQHX0YKrb8gNA2+W5nKQXBECUXlQVmD0EQBY6p0TOZARAvUOc' +
        'dWKNBEAoWmudc7cEQAOJzQ0l4wRAQqzpU58QBUBDfjpSEUAFQBzkSqmxcQVA2o1xi8ClBUD+0DokitwFQEsehs9pFgZA6moAe85T' +
        'BkDC5Z++QJUGQDHiCY1r2wZAM3pf8CgnB0ByBglWlXkHQIvO1vQt1AdAM/IpBQM5CEAUfKq/D6sIQJZEb5TgLglAq1dAAe7LCUBZ' +
        'd5R43I8KQLD9eDgfmAtAM60JgrQ7DUA=',
    ),
    (character) => character.charCodeAt(0),
  ).buffer,
);
/** Heights of the density at the edges; 1 in the middle. */
const DENSITY = EDGES.map((x, layer) => (layer === 0 ? 1 : Math.exp(-0.5 * x * x)));
/** Magnitudes below these are certainly under the density. */
const INSIDE = EDGES.map((x, layer) => {
  if (layer === 1) return 0;
  return Math.floor(((layer === 0 ? EDGES[255] : EDGES[layer - 1]) / x) * 2 ** 52);
});

const MASK_128 = 2n ** 128n - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** PCG XSL RR 128/64. */
class Pcg64 {
  private state = 0n;
  private readonly increment: bigint;

  constructor(seed: number) {
    const words = seedWords(seed);
    const wide = (i: number) => words.slice(i, i + 4).reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
    this.increment = ((wide(4) << 1n) | 1n) & MASK_128;
    this.step();
    this.state = (this.state + wide(0)) & MASK_128;
    this.step();
  }

  /** 64 bits as two unsigned words. */
  next(): { low: number; high: number } {
    this.step();
    const high = Number(this.state >> 96n) ^ Number((this.state >> 32n) & 0xffffffffn);
    const low = Number((this.state >> 64n) & 0xffffffffn) ^ Number(this.state & 0xffffffffn);
    const rotation = Number(this.state >> 122n);
    // A rotation by 32 and more is a swap and a rotation by the rest.
    const [first, second] = rotation & 32 ? [high, low] : [low, high];
    const by = rotation & 31;
    if (by === 0) return { low: first >>> 0, high: second >>> 0 };
    return {
      low: ((first >>> by) | (second << (32 - by))) >>> 0,
      high: ((second >>> by) | (first << (32 - by))) >>> 0,
    };
  }

  private step(): void {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK_128;
  }
}

/** numpy's SeedSequence: eight words, with low and high swapped in pairs. */
function seedWords(seed: number): number[] {
  let constant = 0x43b0d7e5;
  const scramble = (value: number, multiplier: number) => {
    const mixed = (value ^ constant) >>> 0;
    constant = Math.imul(constant, multiplier) >>> 0;
    const product = Math.imul(mixed, constant) >>> 0;
    return (product ^ (product >>> 16)) >>> 0;
  };
  const mix = (a: number, b: number) => {
    const value = (Math.imul(0xca01f9dd, a) - Math.imul(0x4973f715, b)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [seed, 0, 0, 0].map((word) => scramble(word, 0x931e8875));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], scramble(pool[from], 0x931e8875));
  }
  constant = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => scramble(pool[i % 4], 0x58f38ded));
  return [1, 0, 3, 2, 5, 4, 7, 6].map((i) => words[i]);
}
