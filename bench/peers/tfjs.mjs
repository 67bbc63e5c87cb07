// TensorFlow.js with its WebGPU backend, in its default layouts NHWC and HWIO; values are converted before the clock starts.
// Convolutions only: its filter gradient has no gradient, so it can't train with a gradient penalty.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgpu";

/** Axes that turn NCHW images into NHWC and OIHW weights into HWIO, and back. */
const TO = { image: [0, 2, 3, 1], weights: [2, 3, 1, 0] };
const BACK = { image: [0, 3, 1, 2], weights: [3, 2, 0, 1] };

/** Throws where there is no WebGPU. */
export async function openTfjs() {
  if (!(await tf.setBackend("webgpu"))) throw new Error("TensorFlow.js did not start its WebGPU backend");
  const backend = tf.backend();

  const upload = ({ shape, data }, axes) => tf.tidy(() => tf.transpose(tf.tensor(data, shape), axes));

  /** Resolves when the GPU is done, without reading anything back. */
  async function finish() {
    backend.endComputePassEncoder();
    backend.submitQueue();
    await backend.queue.onSubmittedWorkDone();
  }

  function conv(direction, values) {
    const x = upload(values.x, TO.image);
    const w = upload(values.w, TO.weights);
    const g = upload(values.g, TO.image);
    const filterGradient = { strides: 1, pad: "valid", dataFormat: "NHWC", dimRoundingMode: undefined, filterShape: w.shape };
    const compute = {
      conv2d: () => tf.conv2d(x, w, 1, "valid"),
      conv2dInput: () => tf.conv2dTranspose(g, w, x.shape, 1, "valid"),
      // tf.grad would compute the forward pass as well.
      conv2dWeight: () => tf.engine().runKernel(tf.Conv2DBackpropFilter, { x, dy: g }, filterGradient),
    }[direction];
    const axes = direction === "conv2dWeight" ? BACK.weights : BACK.image;
    let last = null;
    return {
      async run(count) {
        for (let i = 0; i < count; i++) {
          last?.dispose();
          last = compute();
        }
        await finish();
      },
      async read() {
        const result = tf.transpose(last, axes);
        const data = await result.data();
        result.dispose();
        return [data];
      },
      dispose() {
        tf.dispose([x, w, g, last].filter(Boolean));
      },
    };
  }

  return { name: "TensorFlow.js", package: "@tensorflow/tfjs-backend-webgpu", conv };
}
