/**
 * The ONNX file format, written as protobuf: just the messages and fields a graph of ours needs.
 * Field numbers are those of onnx.proto3 (ONNX IR version 10). A tensor's bytes are either inside the model or a range
 * of another file, which ONNX Runtime maps instead of reading.
 */

export type ElementType = "float32" | "float16" | "uint8" | "int8" | "int32" | "int64" | "bool";

/** TensorProto.DataType. */
export const dataType: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** A string names an axis whose length is known only when the graph runs. */
export type Dimension = number | string;

export type OnnxAttribute =
  number | string | readonly number[] | { readonly float: number } | { readonly graph: OnnxGraph };

export interface OnnxNode {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** Empty for the standard operators. */
  readonly domain: string;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly content:
    | { readonly bytes: Uint8Array }
    | { readonly location: string; readonly offset: number; readonly byteLength: number };
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dimension[];
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const IR_VERSION = 10;
export const STANDARD_OPSET = 21;
const MICROSOFT_OPSET = 1;

/** A ModelProto. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  return message((model) => {
    model.integer(1, IR_VERSION);
    model.text(2, "blip2-bench");
    model.bytes(7, encodeGraph(graph));
    model.bytes(8, encodeOpset("", STANDARD_OPSET));
    model.bytes(8, encodeOpset("com.microsoft", MICROSOFT_OPSET));
  });
}

function encodeOpset(domain: string, version: number): Uint8Array {
  return message((opset) => {
    opset.text(1, domain);
    opset.integer(2, version);
  });
}

function encodeGraph(graph: OnnxGraph): Uint8Array {
  return message((proto) => {
    for (const node of graph.nodes) proto.bytes(1, encodeNode(node));
    proto.text(2, graph.name);
    for (const tensor of graph.tensors) proto.bytes(5, encodeTensor(tensor));
    for (const input of graph.inputs) proto.bytes(11, encodeValue(input));
    for (const output of graph.outputs) proto.bytes(12, encodeValue(output));
  });
}

function encodeNode(node: OnnxNode): Uint8Array {
  return message((proto) => {
    for (const input of node.inputs) proto.text(1, input);
    for (const output of node.outputs) proto.text(2, output);
    proto.text(3, node.name);
    proto.text(4, node.operator);
    for (const [name, value] of Object.entries(node.attributes)) proto.bytes(5, encodeAttribute(name, value));
    if (node.domain !== "") proto.text(7, node.domain);
  });
}

/** AttributeProto: the field that holds the value, then its type (20). */
function encodeAttribute(name: string, value: OnnxAttribute): Uint8Array {
  return message((proto) => {
    proto.text(1, name);
    if (typeof value === "number") {
      proto.integer(3, value);
      proto.integer(20, 2);
    } else if (typeof value === "string") {
      proto.text(4, value);
      proto.integer(20, 3);
    } else if ("float" in value) {
      proto.float(2, value.float);
      proto.integer(20, 1);
    } else if ("graph" in value) {
      proto.bytes(6, encodeGraph(value.graph));
      proto.integer(20, 5);
    } else {
      for (const integer of value) proto.integer(8, integer);
      proto.integer(20, 7);
    }
  });
}

function encodeTensor(tensor: OnnxTensor): Uint8Array {
  return message((proto) => {
    for (const length of tensor.shape) proto.integer(1, length);
    proto.integer(2, dataType[tensor.type]);
    proto.text(8, tensor.name);
    if ("bytes" in tensor.content) {
      proto.bytes(9, tensor.content.bytes);
      return;
    }
    proto.bytes(13, encodeEntry("location", tensor.content.location));
    proto.bytes(13, encodeEntry("offset", String(tensor.content.offset)));
    proto.bytes(13, encodeEntry("length", String(tensor.content.byteLength)));
    proto.integer(14, 1); // data_location EXTERNAL
  });
}

function encodeEntry(key: string, value: string): Uint8Array {
  return message((entry) => {
    entry.text(1, key);
    entry.text(2, value);
  });
}

function encodeValue(value: OnnxValue): Uint8Array {
  const shape = message((proto) => {
    for (const dimension of value.shape) {
      proto.bytes(
        1,
        message((axis) => {
          if (typeof dimension === "number") axis.integer(1, dimension);
          else axis.text(2, dimension);
        }),
      );
    }
  });
  const tensorType = message((proto) => {
    proto.integer(1, dataType[value.type]);
    proto.bytes(2, shape);
  });
  return message((proto) => {
    proto.text(1, value.name);
    proto.bytes(
      2,
      message((type) => {
        type.bytes(1, tensorType);
      }),
    );
  });
}

function message(write: (proto: ProtobufWriter) => void): Uint8Array {
  const proto = new ProtobufWriter();
  write(proto);
  return proto.finish();
}

/** Protobuf's wire format: a tag (field number and wire type), then a varint, four bytes, or a length and bytes. */
class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];

  integer(field: number, value: number): void {
    this.#varint(BigInt(field * 8));
    this.#varint(BigInt.asUintN(64, BigInt(value)));
  }

  float(field: number, value: number): void {
    this.#varint(BigInt(field * 8 + 5));
    this.#parts.push(new Uint8Array(new Float32Array([value]).buffer));
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint(BigInt(field * 8 + 2));
    this.#varint(BigInt(value.length));
    this.#parts.push(value);
  }

  text(field: number, value: string): void {
    this.bytes(field, Buffer.from(value, "utf8"));
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 0x80);
    } while (rest !== 0n);
    this.#parts.push(Uint8Array.from(bytes));
  }
}
