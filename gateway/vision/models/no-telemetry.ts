import process from "node:process";

/**
 * Since 1.29 ONNX Runtime's Linux builds report to Microsoft by default: an id of the machine, the model's name and hash, times
 * and errors, kept in a database below ~/.cache until there is a network. It reads this once, when it is loaded.
 * @source https://github.com/microsoft/onnxruntime/pull/27379
 */
process.env["ORT_DISABLE_TELEMETRY"] = "1";
