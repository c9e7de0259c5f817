/**
 * The box with the image that is asked about: dropped, pasted, chosen from disk, or a bundled picture. The server keeps
 * a copy in memory.
 */
import type { KeptImage, PageState } from "../wire.ts";
import { create, element } from "./dom.ts";
import { fetchImage, RefusedError, uploadImage } from "./requests.ts";

export interface Picture {
  readonly image: KeptImage;
  readonly bytes: Blob;
  /** A URL of the bytes for <img>. */
  readonly url: string;
}

export interface PictureBox {
  /** The current image; null: none yet. */
  readonly current: () => Picture | null;
  readonly choose: () => void;
  readonly stepSample: (by: number) => void;
  /** Shows an image that the server has already. */
  readonly show: (image: KeptImage) => Promise<void>;
  /** Uploads the bytes again after the server has dropped them. */
  readonly sendAgain: () => Promise<void>;
}

/** `onChange` is called when the image has changed. */
export function makePictureBox({ samples, limits }: PageState, onChange: () => void): PictureBox {
  const drop = element("drop", HTMLElement);
  const preview = element("preview", HTMLImageElement);
  const file = element("file", HTMLInputElement);
  const note = element("picture-note", HTMLElement);
  const error = element("picture-error", HTMLElement);
  let picture: Picture | null = null;
  let sample = -1;
  let latest = 0; // counts choices, so that of two pending ones only the later is shown

  const take = async (bytes: Blob, known: KeptImage | null = null): Promise<void> => {
    const turn = ++latest;
    error.hidden = true;
    drop.ariaBusy = "true";
    try {
      refuseLarge(bytes, limits.uploadBytes);
      const image = known ?? (await uploadImage(bytes));
      if (turn !== latest) return;
      if (picture !== null && picture.image.id !== image.id) URL.revokeObjectURL(picture.url);
      const url = URL.createObjectURL(bytes);
      picture = { image, bytes, url };
      preview.src = url;
      preview.hidden = false;
      element("drop-words", HTMLElement).hidden = true;
      element("drop-foot", HTMLElement).hidden = false;
      drop.classList.add("filled");
      const shape = `${image.format}, ${image.width} × ${image.height}`;
      note.textContent = image.note === null ? shape : `${shape}. ${image.note}`;
      onChange();
    } catch (cause) {
      if (turn === latest) say(cause);
    } finally {
      if (turn === latest) drop.ariaBusy = "false";
    }
  };
  const say = (cause: unknown): void => {
    error.textContent = cause instanceof Error ? cause.message : String(cause);
    error.hidden = false;
  };
  const takeSample = async (number: number): Promise<void> => {
    sample = number;
    markSample(number);
    try {
      await take(await fetchImage(`/samples/${number}`));
    } catch (cause) {
      say(cause);
    }
  };
  const takeFile = (given: File | null | undefined): void => {
    if (given === null || given === undefined) return;
    sample = -1;
    markSample(-1);
    void take(given);
  };

  for (const id of ["choose", "choose-other"]) {
    element(id, HTMLButtonElement).addEventListener("click", () => {
      file.click();
    });
  }
  file.addEventListener("change", () => {
    takeFile(file.files?.[0]);
    file.value = ""; // so that choosing this file again fires a change event
  });
  takeDropped(drop, takeFile);
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])][0];
    if (pasted === undefined) return; // pasted text belongs to a text field
    event.preventDefault();
    takeFile(pasted);
  });
  showSamples(samples, (number) => void takeSample(number));

  return {
    current: () => picture,
    choose: () => {
      file.click();
    },
    stepSample: (by) => {
      if (samples > 0) void takeSample((sample + by + samples) % samples);
    },
    show: async (image) => take(await fetchImage(`/images/${image.id}`), image),
    sendAgain: async () => {
      if (picture !== null) await uploadImage(picture.bytes);
    },
  };
}

/** Refuses an image that is too large before it is uploaded: the server would refuse it only afterwards. */
function refuseLarge({ size }: Blob, most: number): void {
  if (size <= most) return;
  const megabytes = (bytes: number): string =>
    `${(bytes / 1e6).toLocaleString("en-US", { maximumFractionDigits: 1 })} MB`;
  throw new RefusedError(
    `The file has ${megabytes(size)}, expected at most ${megabytes(most)}. Scale it down, or start try with a larger --max-upload.`,
    413,
  );
}

function takeDropped(drop: HTMLElement, take: (file: File | undefined) => void): void {
  // The whole page accepts drops: a browser would replace the page by a file that is dropped beside the box.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer?.files[0]);
  });
}

function showSamples(count: number, onClick: (number: number) => void): void {
  const list = element("samples", HTMLElement);
  for (let number = 0; number < count; number += 1) {
    const one = create("button");
    one.type = "button";
    one.ariaPressed = "false";
    one.ariaLabel = `Picture ${number + 1}`;
    const image = create("img");
    image.src = `/samples/${number}`;
    image.alt = "";
    image.loading = "lazy";
    one.append(image);
    one.addEventListener("click", () => {
      onClick(number);
    });
    list.append(one);
  }
}

/** Marks the chosen bundled picture; -1: none. */
function markSample(number: number): void {
  for (const [index, one] of [...element("samples", HTMLElement).children].entries()) {
    one.ariaPressed = String(index === number);
  }
}
