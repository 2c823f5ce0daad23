"""The ear: was it the wake word? Models, scores, detections.

Read in this order: ``manifest`` (what a model says of itself) with ``levels`` (thresholds by what they cost),
``catalogue`` (which models are installed), ``scorer`` (samples to scores), ``detector`` (scores to detections).
"""

from .catalogue import load
from .detector import Candidate, Detection, Detector
from .scorer import Scorer

__all__ = ["Candidate", "Detection", "Detector", "Scorer", "load"]
