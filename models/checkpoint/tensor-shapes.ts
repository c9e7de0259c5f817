/**
 * Every tensor of a checkpoint by name and shape, as transformers 5.12.1 saves it (modeling_blip_2.py, modeling_opt.py,
 * modeling_t5.py), for checkpoints that are written here.
 */
import type { OptShape, RandomShape, RetrievalShape, T5Shape } from "./random-shapes.ts";

export type NamedShape = readonly [name: string, shape: readonly number[]];

/** All that the loader asks for, and nothing else. */
export function tensorShapes(shape: RandomShape): readonly NamedShape[] {
  const { text, queries, qFormer } = shape;
  return [
    ["query_tokens", [1, queries, qFormer.hidden]],
    ...(text.kind === "retrieval" ? textEmbeddings(shape, text) : []),
    ...visionTensors(shape),
    ...qFormerTensors(shape),
    ...textTensors(shape),
  ];
}

function textTensors({ text, qFormer }: RandomShape): readonly NamedShape[] {
  switch (text.kind) {
    case "opt":
      return [...linear("language_projection", text.hidden, qFormer.hidden), ...optTensors(text)];
    case "t5":
      return [...linear("language_projection", text.width, qFormer.hidden), ...t5Tensors(text)];
    case "retrieval":
      return [
        ...linear("vision_projection", text.width, qFormer.hidden),
        ...linear("text_projection", text.width, qFormer.hidden),
        ...linear("itm_head", 2, qFormer.hidden),
      ];
  }
}

function visionTensors({ vision, imageSize, patch }: RandomShape): readonly NamedShape[] {
  const { hidden, mlp } = vision;
  const tokens = (imageSize / patch) ** 2 + 1; // the patches and the class token
  return [
    ["vision_model.embeddings.class_embedding", [1, 1, hidden]],
    ["vision_model.embeddings.position_embedding", [1, tokens, hidden]],
    ["vision_model.embeddings.patch_embedding.weight", [hidden, 3, patch, patch]],
    ...(vision.isClip
      ? norm("vision_model.pre_layernorm", hidden)
      : [["vision_model.embeddings.patch_embedding.bias", [hidden]] as const]),
    ...forEachLayer(vision.layers, "vision_model.encoder.layers", (name) => [
      ...linear(`${name}.self_attn.qkv`, 3 * hidden, hidden),
      ...linear(`${name}.self_attn.projection`, hidden, hidden),
      ...norm(`${name}.layer_norm1`, hidden),
      ...linear(`${name}.mlp.fc1`, mlp, hidden),
      ...linear(`${name}.mlp.fc2`, hidden, mlp),
      ...norm(`${name}.layer_norm2`, hidden),
    ]),
    ...norm("vision_model.post_layernorm", hidden),
  ];
}

function textEmbeddings({ qFormer }: RandomShape, text: RetrievalShape): readonly NamedShape[] {
  return [
    ["embeddings.word_embeddings.weight", [text.vocabulary, qFormer.hidden]],
    ["embeddings.position_embeddings.weight", [text.positions, qFormer.hidden]],
  ];
}

function qFormerTensors({ qFormer, vision, text }: RandomShape): readonly NamedShape[] {
  const { hidden, mlp } = qFormer;
  const attention = (name: string, from: number): readonly NamedShape[] => [
    ...linear(`${name}.attention.query`, hidden, hidden),
    ...linear(`${name}.attention.key`, hidden, from),
    ...linear(`${name}.attention.value`, hidden, from),
    ...linear(`${name}.output.dense`, hidden, hidden),
    ...norm(`${name}.output.LayerNorm`, hidden),
  ];
  const feedForward = (up: string, down: string): readonly NamedShape[] => [
    ...linear(`${up}.dense`, mlp, hidden),
    ...linear(`${down}.dense`, hidden, mlp),
    ...norm(`${down}.LayerNorm`, hidden),
  ];
  return [
    ...norm("qformer.layernorm", hidden),
    ...forEachLayer(qFormer.layers, "qformer.encoder.layer", (name, layer) => [
      ...attention(`${name}.attention`, hidden),
      ...(layer % 2 === 0 ? attention(`${name}.crossattention`, vision.hidden) : []),
      ...(text.kind === "retrieval" ? feedForward(`${name}.intermediate`, `${name}.output`) : []),
      ...feedForward(`${name}.intermediate_query`, `${name}.output_query`),
    ]),
  ];
}

/** Without lm_head, which is the embeddings. */
function optTensors({ hidden, mlp, layers, vocabulary, positions }: OptShape): readonly NamedShape[] {
  const decoder = "language_model.model.decoder";
  return [
    [`${decoder}.embed_tokens.weight`, [vocabulary, hidden]],
    [`${decoder}.embed_positions.weight`, [positions + 2, hidden]], // modeling_opt.py, OPTLearnedPositionalEmbedding
    ...norm(`${decoder}.final_layer_norm`, hidden),
    ...forEachLayer(layers, `${decoder}.layers`, (name) => [
      ...["k_proj", "v_proj", "q_proj", "out_proj"].flatMap((part) =>
        linear(`${name}.self_attn.${part}`, hidden, hidden),
      ),
      ...norm(`${name}.self_attn_layer_norm`, hidden),
      ...linear(`${name}.fc1`, mlp, hidden),
      ...linear(`${name}.fc2`, hidden, mlp),
      ...norm(`${name}.final_layer_norm`, hidden),
    ]),
  ];
}

/** No biases, and norms without one; the first block of each side has the table of distances. */
function t5Tensors({ width, keyWidth, mlp, layers, heads, buckets, vocabulary }: T5Shape): readonly NamedShape[] {
  const inner = heads * keyWidth;
  const attention = (name: string): readonly NamedShape[] => [
    ...["q", "k", "v"].map((part): NamedShape => [`${name}.${part}.weight`, [inner, width]]),
    [`${name}.o.weight`, [width, inner]],
  ];
  const distances = (block: string): NamedShape => [
    `${block}.layer.0.SelfAttention.relative_attention_bias.weight`,
    [buckets, heads],
  ];
  const feedForward = (name: string): readonly NamedShape[] => [
    ...["wi_0", "wi_1"].map((part): NamedShape => [`${name}.${part}.weight`, [mlp, width]]),
    [`${name}.wo.weight`, [width, mlp]],
  ];
  const scale = (name: string): NamedShape => [`${name}.weight`, [width]];
  const side = (name: string, boxes: readonly string[]): readonly NamedShape[] => [
    ...forEachLayer(layers, `${name}.block`, (block, layer) => [
      ...boxes.flatMap((box, place) => attention(`${block}.layer.${place}.${box}`)),
      ...(layer === 0 ? [distances(block)] : []),
      ...feedForward(`${block}.layer.${boxes.length}.DenseReluDense`),
      ...[...boxes, "DenseReluDense"].map((_, place) => scale(`${block}.layer.${place}.layer_norm`)),
    ]),
    scale(`${name}.final_layer_norm`),
  ];
  return [
    ["language_model.shared.weight", [vocabulary, width]],
    ...side("language_model.encoder", ["SelfAttention"]),
    ...side("language_model.decoder", ["SelfAttention", "EncDecAttention"]),
    ["language_model.lm_head.weight", [vocabulary, width]],
  ];
}

/** The tensors of `${name}.0`, `${name}.1`, … */
function forEachLayer(
  layers: number,
  name: string,
  tensors: (name: string, layer: number) => readonly NamedShape[],
): readonly NamedShape[] {
  return Array.from({ length: layers }, (_, layer) => tensors(`${name}.${layer}`, layer)).flat();
}

function linear(name: string, to: number, from: number): readonly NamedShape[] {
  return [
    [`${name}.weight`, [to, from]],
    [`${name}.bias`, [to]],
  ];
}

function norm(name: string, width: number): readonly NamedShape[] {
  return [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
}
