import type { Code, Construct, Effects, Extension, State, Token, TokenizeContext } from 'micromark-util-types';
import { endsFormula, formulaEnd } from './display-formulas.ts';

/**
 * Maths in a text: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`. As in Pandoc, the first `$` has no white space after it, and the
 * last one none before it and no digit after it, so that prices are not maths.
 */
declare module 'micromark-util-types' {
  interface TokenTypeMap {
    maths: 'maths';
    mathsSequence: 'mathsSequence';
    mathsData: 'mathsData';
  }
  interface ParseContext {
    /** The text that is parsed. */
    source?: string;
  }
}

const DOLLAR = 36;
const BACKSLASH = 92;
const isLineEnd = (code: Code) => code !== null && code < -2;
const isSpace = (code: Code) => code === null || code < 0 || code === 32;
const isDigit = (code: Code) => code !== null && code >= 48 && code <= 57;

const dollars: Construct = { name: 'maths', tokenize: tokenizeDollars, previous: (code) => code !== DOLLAR };
const brackets: Construct = { name: 'maths', tokenize: tokenizeBrackets };
/** Concrete: no other block begins in it. */
const formula: Construct = { name: 'formula', tokenize: tokenizeFormula, concrete: true };
const nextLine: Construct = { tokenize: tokenizeNextLine, partial: true };

export function mathsSyntax(): Extension {
  return {
    flow: { [DOLLAR]: formula, [BACKSLASH]: formula },
    text: { [DOLLAR]: dollars, [BACKSLASH]: brackets },
  };
}

/** The lines of a display formula stay one paragraph, in which `dollars` or `brackets` finds it. */
function tokenizeFormula(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  let end = 0;
  let chunk: Token;

  const inLine: State = (code) => {
    if (code !== null && !isLineEnd(code)) {
      effects.consume(code);
      return inLine;
    }
    if (code === null || this.now().offset >= end) return after(code);
    return effects.check(nextLine, lineEnding, after)(code);
  };

  const lineEnding: State = (code) => {
    effects.consume(code);
    effects.exit('chunkContent');
    const next = effects.enter('chunkContent', { contentType: 'content', previous: chunk });
    chunk.next = next;
    chunk = next;
    return inLine;
  };

  const after: State = (code) => {
    effects.exit('chunkContent');
    effects.exit('content');
    return ok(code);
  };

  return (code) => {
    const { source = '' } = this.parser;
    const { offset } = this.now();
    const found = formulaEnd(source, offset);
    if (found === null || found === Infinity) return nok(code);
    if (this.interrupt) return (endsFormula(source, offset) ? nok : ok)(code);
    end = found;
    effects.enter('content');
    chunk = effects.enter('chunkContent', { contentType: 'content' });
    return inLine(code);
  };
}

/** A line that is in the same containers. */
function tokenizeNextLine(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  const begin: State = (code) => (code === null || this.parser.lazy[this.now().line] ? nok : ok)(code);
  return (code) => lineEnd(effects, code, begin);
}

function tokenizeDollars(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  let size = 0;
  let closing = 0;
  let last: Code = null;
  let sequence: Token;

  return (code) => {
    effects.enter('maths');
    effects.enter('mathsSequence');
    return open(code);
  };

  function open(code: Code): State | undefined {
    if (code === DOLLAR && size < 2) {
      effects.consume(code);
      size++;
      return open;
    }
    if (code === DOLLAR || (size === 1 && isSpace(code))) return nok(code);
    effects.exit('mathsSequence');
    return between(code);
  }

  function between(code: Code): State | undefined {
    if (code === null) return nok(code);
    if (isLineEnd(code)) return lineEnd(effects, code, (next) => ((last = code), between(next)));
    if (code === DOLLAR) {
      if (size === 1 && isSpace(last)) return nok(code);
      closing = 0;
      sequence = effects.enter('mathsSequence');
      return close(code);
    }
    effects.enter('mathsData');
    return data(code);
  }

  function close(code: Code): State | undefined {
    if (code === DOLLAR && closing < size) {
      effects.consume(code);
      closing++;
      return close;
    }
    if (closing === size && !(size === 1 && (isDigit(code) || code === DOLLAR))) {
      effects.exit('mathsSequence');
      effects.exit('maths');
      return ok(code);
    }
    if (size === 1) return nok(code);
    last = DOLLAR;
    sequence.type = 'mathsData';
    return data(code);
  }

  function data(code: Code): State | undefined {
    if (code === null || isLineEnd(code) || code === DOLLAR) {
      effects.exit('mathsData');
      return between(code);
    }
    effects.consume(code);
    // An escaped dollar ends nothing.
    last = code;
    return code === BACKSLASH ? escaped : data;
  }

  function escaped(code: Code): State | undefined {
    if (code !== DOLLAR && code !== BACKSLASH) return data(code);
    effects.consume(code);
    last = BACKSLASH;
    return data;
  }
}

function tokenizeBrackets(this: TokenizeContext, effects: Effects, ok: State, nok: State): State {
  let end: Code = null;
  let sequence: Token;

  return (code) => {
    effects.enter('maths');
    effects.enter('mathsSequence');
    effects.consume(code);
    return open;
  };

  function open(code: Code): State | undefined {
    if (code !== 40 && code !== 91) return nok(code);
    end = code === 40 ? 41 : 93;
    effects.consume(code);
    effects.exit('mathsSequence');
    return between;
  }

  function between(code: Code): State | undefined {
    if (code === null) return nok(code);
    if (isLineEnd(code)) return lineEnd(effects, code, between);
    if (code === BACKSLASH) {
      sequence = effects.enter('mathsSequence');
      effects.consume(code);
      return close;
    }
    effects.enter('mathsData');
    return data(code);
  }

  function close(code: Code): State | undefined {
    if (code === end) {
      effects.consume(code);
      effects.exit('mathsSequence');
      effects.exit('maths');
      return ok;
    }
    sequence.type = 'mathsData';
    if (code !== null && !isLineEnd(code)) {
      effects.consume(code);
      return data;
    }
    return data(code);
  }

  function data(code: Code): State | undefined {
    if (code === null || isLineEnd(code) || code === BACKSLASH) {
      effects.exit('mathsData');
      return between(code);
    }
    effects.consume(code);
    return data;
  }
}

function lineEnd(effects: Effects, code: Code, next: State): State {
  effects.enter('lineEnding');
  effects.consume(code);
  effects.exit('lineEnding');
  return next;
}
