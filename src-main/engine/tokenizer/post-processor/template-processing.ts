import type { JsonPart } from '../json-part.ts';
import type { Vocabulary } from '../vocabulary.ts';

/** Special tokens around the tokens of a text. */
export interface Template {
  before: readonly number[];
  after: readonly number[];
}

/**
 * Texts of the special tokens around a text, in place of the post-processor's: null for none, undefined to keep them.
 */
export interface TextEnds {
  readonly before?: string | null | undefined;
  readonly after?: string | null | undefined;
}

const NO_TEMPLATE: Template = { before: [], after: [] };

const POST_PROCESSORS: Record<string, (part: JsonPart, vocabulary: Vocabulary) => Template> = {
  TemplateProcessing: templateProcessing,
  BertProcessing: classifierTokens,
  RobertaProcessing: classifierTokens,
  // Affects offsets only.
  ByteLevel: () => NO_TEMPLATE,
  Sequence: (part, vocabulary) => {
    const templates = part
      .get('processors')
      .items()
      .map((item) => templateFromJson(item, vocabulary));
    // Each one's tokens surround those of the previous one.
    return templates.reduce(
      (inner, outer) => ({
        before: [...outer.before, ...inner.before],
        after: [...inner.after, ...outer.after],
      }),
      NO_TEMPLATE,
    );
  },
};

/**
 * The `post_processor` of a tokenizer file; null adds nothing.
 * @param ends instead of its tokens; a token that is not in the vocabulary changes nothing
 */
export function templateFromJson(part: JsonPart, vocabulary: Vocabulary, ends: TextEnds = {}): Template {
  const { before, after } = part.isNull ? NO_TEMPLATE : part.get('type').choose(POST_PROCESSORS)(part, vocabulary);
  const idsOf = (text: string | null | undefined, own: readonly number[]) => {
    if (text === null) return [];
    const id = text === undefined ? undefined : vocabulary.id(text);
    return id === undefined ? own : [id];
  };
  return { before: idsOf(ends.before, before), after: idsOf(ends.after, after) };
}

/** The template for a single text; language models do not use the one for pairs. */
function templateProcessing(part: JsonPart, vocabulary: Vocabulary): Template {
  const before: number[] = [];
  const after: number[] = [];
  let sequences = 0;
  const single = part.get('single');
  for (const item of single.items()) {
    const special = item.get('SpecialToken');
    if (!special.isNull) {
      const ids = specialTokenIds(part, special.get('id').string(), vocabulary);
      (sequences === 0 ? before : after).push(...ids);
    } else if (item.get('Sequence').get('id').string() === 'A') sequences++;
    else throw item.malformed('must be a special token or the sequence A');
  }
  if (sequences !== 1) throw single.malformed('must contain the sequence A once');
  return { before, after };
}

function specialTokenIds(part: JsonPart, name: string, vocabulary: Vocabulary): number[] {
  const ids = part.get('special_tokens').get(name).get('ids');
  return ids.items().map((id) => knownId(id, vocabulary));
}

/** BERT's and RoBERTa's: `cls`, the text, `sep`, each as `[text, id]`. (`trim_offsets` affects offsets only.) */
function classifierTokens(part: JsonPart, vocabulary: Vocabulary): Template {
  const idOf = (name: string) => knownId(part.get(name).item(1), vocabulary);
  return { before: [idOf('cls')], after: [idOf('sep')] };
}

function knownId(part: JsonPart, vocabulary: Vocabulary): number {
  const id = part.count(Number.MAX_SAFE_INTEGER);
  if (vocabulary.piece(id) === undefined) throw part.malformed(`is ${id}, which is not in the vocabulary`);
  return id;
}
