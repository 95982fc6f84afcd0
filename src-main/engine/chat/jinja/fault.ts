/** What is wrong with a template, where it is known: offset into the source, UTF-16. */
export class TemplateFault extends Error {
  constructor(
    message: string,
    public at: number | null = null,
  ) {
    super(message);
  }
}

/** A template that went beyond what it may use. Also thrown from within built-in functions. */
export class LimitFault extends TemplateFault {}
