/** A template error with its offset in the source, UTF-16, if known. */
export class TemplateFault extends Error {
  constructor(
    message: string,
    public at: number | null = null,
  ) {
    super(message);
  }
}

/** A template exceeded its limits. Also thrown by built-in functions. */
export class LimitFault extends TemplateFault {}
