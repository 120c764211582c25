"""How many words and characters our text shares with the human one. Every pair has one reference.

Texts come as tokens (finetune/descriptions/tokens.py), so that no tokeniser made for English cuts Korean. Published
figures were computed on other tokens: compare ours with ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.descriptions.tokens import Tokens

Values = NDArray[np.float64]


def bleu(ours: Tokens, theirs: Tokens, order: int) -> float:
    """Corpus BLEU of orders 1…`order`, 0…100 (Papineni et al. 2002; sacrebleu, exponential smoothing).

    Geometric mean of the clipped n-gram precisions over all pairs times the brevity penalty.
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize="none", max_ngram_order=order, force=True)  # force: they are meant to be tokenised
    return float(metric.corpus_score(_joined(ours), [_joined(theirs)]).score)


def chrf(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """Corpus chrF2, 0…100 (Popović 2015; sacrebleu): F2 of character n-grams, n = 1…6, over the texts as they are."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(list(ours), [list(theirs)]).score)


def chrf_plus(ours: Tokens, theirs: Tokens) -> float:
    """Corpus chrF++, 0…100 (Popović 2017; sacrebleu): chrF2 with uni- and bigrams of the tokens besides."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF(word_order=2).corpus_score(_joined(ours), [_joined(theirs)]).score)


def rouge_l(ours: Tokens, theirs: Tokens) -> Values:
    """ROUGE-L of every pair, (n,), 0…1 (Lin 2004; rouge-score): F1 of the longest common subsequence of tokens.

    COCO's script weighs recall with β = 1.2 instead: another number.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=_Spaces())
    pairs = zip(_joined(theirs), _joined(ours), strict=True)
    return np.array([scorer.score(truth, text)["rougeL"].fmeasure for truth, text in pairs], float)


def meteor(ours: Tokens, theirs: Tokens) -> Values:
    """METEOR of every pair with its stages exact and stem alone, (n,), 0…1 (Lavie and Agarwal 2007; nltk).

    Unigram F with recall weighing 9 : 1, times 1 − 0.5 · (chunks / matches)³. The stage of synonyms is left out: it
    needs WordNet, an English thesaurus, and so would change with the machine. Porter's stems serve English alone; of
    Korean the morphemes are their own stems. METEOR 1.5 of published tables has other weights and paraphrases.
    """
    from nltk.translate.meteor_score import single_meteor_score

    pairs = zip(theirs, ours, strict=True)
    return np.array([single_meteor_score(truth, text, wordnet=_NoSynonyms()) for truth, text in pairs], float)


def cider_d(ours: Tokens, theirs: Tokens) -> Values:
    """CIDEr-D of every pair, (n,), 0…10 (Vedantam et al. 2015; the scorer of pycocoevalcap, which is the D variant).

    10 times the mean over n = 1…4 of the cosine of TF-IDF vectors of n-grams, counts clipped to the reference's, times
    exp(−(length difference)² / 72). An n-gram's weight is the logarithm of lines / lines it occurs in, counted over
    the human lines of this comparison: 0 for what every line has, and so 0 throughout for a single pair. Lines of
    fewer than four tokens cannot reach 10.
    """
    from pycocoevalcap.cider.cider_scorer import CiderScorer

    if not ours:
        return np.zeros(0)
    scorer = CiderScorer()
    for truth, text in zip(_joined(theirs), _joined(ours), strict=True):
        scorer += (text, [truth])
    return np.asarray(scorer.compute_score()[1], float)


class _Spaces:
    """rouge-score's kind of tokeniser for tokens that are joined by spaces."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


class _NoSynonyms:
    """An empty WordNet."""

    def synsets(self, _: str) -> list[object]:
        return []


def _joined(tokens: Tokens) -> list[str]:
    return [" ".join(line) for line in tokens]
