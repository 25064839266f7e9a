"""PaddleOCR's own pipeline as fast as its settings make it: what ours is measured beside."""

from typing import TYPE_CHECKING

from layoutserve.model.ocr import store

if TYPE_CHECKING:
    from paddleocr import PaddleOCR


def pipeline(side: int = 960, batch: int = 1) -> "PaddleOCR":
    """No document or line classifiers, ONNX Runtime on all cores, and the models that LayoutServe runs.

    side: pixels of the longer side of what the detector sees. batch: lines that are read together; one is fastest on
    few cores, since more are padded to the longest of them.
    """
    from paddleocr import PaddleOCR

    folder = store.default_folder()
    return PaddleOCR(
        text_detection_model_name=store.DETECTION.name,
        text_detection_model_dir=str(folder / store.DETECTION.folder),
        text_recognition_model_name=store.RECOGNITION.name,
        text_recognition_model_dir=str(folder / store.RECOGNITION.folder),
        text_recognition_batch_size=batch,
        text_det_limit_side_len=side,
        text_det_limit_type="max",
        use_doc_orientation_classify=False,
        use_doc_unwarping=False,
        use_textline_orientation=False,
        engine="onnxruntime",
        device="cpu",
    )
