/**
 * Names of the tensors that a run can return (`Outputs.taps`). All architectures use these names for the parts they have,
 * so that inspection works alike for every model. `tokens` is the number of rows of the batch.
 */
export const TAPS = {
  /** `[tokens, hidden]`: rows of the token table. */
  tokenEmbedding: 'token_embedding',
  /** `[tokens, hidden]`: rows of the position table; absent in models without one. */
  positionEmbedding: 'position_embedding',
  /** `[tokens, hidden]`: input of the first layer. */
  embedding: 'embedding',
  /** `[tokens, heads * headDim]`: queries as attention reads them, normed and rotated. */
  attentionQueries: (layer: number): string => `layer.${layer}.attention_queries`,
  /** `[tokens, kvHeads * headDim]`: keys as attention reads them, normed and rotated. */
  attentionKeys: (layer: number): string => `layer.${layer}.attention_keys`,
  /** `[tokens, kvHeads * headDim]`: values as attention reads them. */
  attentionValues: (layer: number): string => `layer.${layer}.attention_values`,
  /**
   * `[heads, tokens, context]`: softmax weights. Column i is the token at index i of the row's sequence context, so
   * for a batch that is a whole sequence the columns are its tokens; columns a row does not attend to are 0.
   */
  attentionWeights: (layer: number): string => `layer.${layer}.attention_weights`,
  /** `[tokens, heads * headDim]`: each head's weighted sum of values, before the output projection. */
  attentionHeads: (layer: number): string => `layer.${layer}.attention_heads`,
  /** `[tokens, hidden]`: what attention adds to the residual stream. */
  attentionBlock: (layer: number): string => `layer.${layer}.attention_block`,
  /** `[tokens, hidden]`: after attention, residual and norm. */
  attentionOutput: (layer: number): string => `layer.${layer}.attention_output`,
  /** `[tokens, feed-forward]`: hidden activations of the feed-forward network. */
  feedForwardHidden: (layer: number): string => `layer.${layer}.feed_forward_hidden`,
  /** `[tokens, hidden]`: what the feed-forward network adds to the residual stream. */
  feedForwardBlock: (layer: number): string => `layer.${layer}.feed_forward_block`,
  /** `[tokens, hidden]`: the layer's output. */
  layerOutput: (layer: number): string => `layer.${layer}.output`,
} as const;
