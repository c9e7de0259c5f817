/** preprocessor_config.json in the spellings found on the hub. */
import assert from "node:assert/strict";
import { parsePreprocessorConfig } from "../../../models/image/preprocessor-config.ts";

const where = "tiny: preprocessor_config.json";
const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  standardDeviation: [0.26862954, 0.26130258, 0.27577711],
};

function refuses(json: unknown, message: string): void {
  assert.throws(() => parsePreprocessorConfig(json, where), {
    name: "CheckpointError",
    message: `${where}: ${message}`,
  });
}

describe("preprocessor config", () => {
  it("reads every choice", () => {
    const json = {
      do_convert_rgb: true,
      do_normalize: true,
      do_rescale: true,
      do_resize: true,
      image_mean: [0.5, 0.25, 0.125],
      image_processor_type: "BlipImageProcessor",
      image_std: [1, 2, 4],
      processor_class: "Blip2Processor",
      resample: 3,
      rescale_factor: 0.5,
      size: { height: 364, width: 224 },
    };
    const expected = {
      width: 224,
      height: 364,
      resample: "bicubic",
      rescaleFactor: 0.5,
      mean: [0.5, 0.25, 0.125],
      standardDeviation: [1, 2, 4],
    };
    assert.deepEqual(parsePreprocessorConfig(json, where), expected);
  });

  it("takes transformers' defaults for what is missing or null", () => {
    const expected = { width: 224, height: 224, resample: "bicubic", rescaleFactor: 1 / 255, ...clip };
    assert.deepEqual(parsePreprocessorConfig({ size: 224 }, where), expected);
    const nulls = { size: 224, image_mean: null, image_std: null, resample: null, rescale_factor: null, do_pad: null };
    assert.deepEqual(parsePreprocessorConfig(nulls, where), expected);
  });

  it("reads a size as a number, a pair of height and width, or a shortest edge", () => {
    for (const size of [96, { height: 96, width: 96 }, { shortest_edge: 96 }, [96, 96]]) {
      const { width, height } = parsePreprocessorConfig({ size }, where);
      assert.deepEqual([width, height], [96, 96]);
    }
    const { width, height } = parsePreprocessorConfig({ size: [64, 96] }, where);
    assert.deepEqual([width, height], [96, 64]);
  });

  it("refuses what is no size", () => {
    const missing = 'no size. Give it as {"height": 224, "width": 224}; the checkpoint was trained at one.';
    refuses({ num_query_tokens: 32 }, missing);
    refuses({ size: null }, missing);
    const expected = "expected a positive number, {height, width} or {shortest_edge}.";
    refuses({ size: "224" }, `size is "224", ${expected}`);
    refuses({ size: 0 }, `size is 0, ${expected}`);
    refuses({ size: { longest_edge: 9 } }, `size is {"longest_edge":9}, ${expected}`);
    refuses({ size: { height: 9, width: 9.5 } }, `size is {"height":9,"width":9.5}, ${expected}`);
  });

  it("refuses other filters, by name", () => {
    refuses({ size: 9, resample: 2 }, "resample is 2 (bilinear), expected 3 (bicubic), as BLIP-2 was trained.");
    refuses({ size: 9, resample: 1 }, "resample is 1 (lanczos), expected 3 (bicubic), as BLIP-2 was trained.");
    refuses({ size: 9, resample: 17 }, "resample is 17 (unknown), expected 3 (bicubic), as BLIP-2 was trained.");
  });

  it("refuses steps that BLIP-2 does not take, and the lack of those it does", () => {
    refuses({ size: 9, do_center_crop: true }, "do_center_crop is true, expected false. Is this a BLIP-2 checkpoint?");
    refuses({ size: 9, do_normalize: false }, "do_normalize is false, expected true. Is this a BLIP-2 checkpoint?");
    assert.equal(parsePreprocessorConfig({ size: 9, do_center_crop: false, crop_size: 9 }, where).width, 9);
  });

  it("refuses what is no object, and numbers that are none", () => {
    refuses([], "expected a JSON object. Download the file again.");
    refuses({ size: 9, image_mean: [0.5] }, "image_mean: Too small: expected array to have >=3 items.");
    refuses({ size: 9, image_std: [1, 1, 0] }, "image_std.2: Too small: expected number to be >0.");
  });
});
