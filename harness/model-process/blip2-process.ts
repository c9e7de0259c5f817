/** The process of a BLIP-2 that generates: what ModelProcess starts unless it is told otherwise. */
import { loadBlip2 } from "../../models/load-blip2.ts";
import { serveModel } from "./serve-model.ts";

serveModel(({ where, ...options }, told) => loadBlip2(where, { ...options, ...told }));
