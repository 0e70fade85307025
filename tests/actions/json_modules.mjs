// The parser imports its schemas as bundlers have it; node wants to be told that they are JSON.

import { registerHooks } from "node:module";

registerHooks({
  load(url, context, next) {
    const importAttributes = url.endsWith(".json") ? { type: "json" } : context.importAttributes;
    return next(url, { ...context, importAttributes });
  },
});
