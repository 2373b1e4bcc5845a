"""Short opinions whose label is plain, and what may be put into them, in English and Portuguese."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

__all__ = ["LANGUAGES", "Words"]


class Words(NamedTuple):
    """The words and sentences of one language."""

    affirmed: tuple[str, ...]
    """Sentences with a gap for a subject and one for an adjective."""

    negated: tuple[str, ...]
    """The same sentences, denied: the n-th is the opposite of the n-th above."""

    subjects: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]

    framed: tuple[str, ...]
    """Sentences with gaps for a person, a place and a number, and one for an opinion."""

    people: tuple[str, ...]
    places: tuple[str, ...]
    numbers: tuple[str, ...]

    irrelevant: tuple[str, ...]
    """Sentences without an opinion, to be added to a text."""

    def opinions(self, *, negated: bool, positive: bool) -> Iterator[str]:
        """Yield sentences, by whether they deny something, and whether their adjective is a good one."""
        frames, adjectives = self.negated if negated else self.affirmed, self.good if positive else self.bad
        for frame, subject, adjective in product(frames, self.subjects, adjectives):
            yield frame.format(subject=subject, adjective=adjective)


LANGUAGES: dict[str, Words] = {
    "en": Words(
        affirmed=(
            "The {subject} was {adjective}.",
            "I found the {subject} {adjective}.",
            "It is a really {adjective} {subject}.",
        ),
        negated=(
            "The {subject} was not {adjective}.",
            "I did not find the {subject} {adjective}.",
            "It is not a really {adjective} {subject}.",
        ),
        subjects=("food", "story", "phone", "hotel", "service"),
        good=("good", "impressive", "enjoyable", "convincing"),
        bad=("bad", "terrible", "boring", "disappointing"),
        framed=(
            "{person} and I went there in {place}, and after {number} minutes we knew: {opinion}",
            "On page {number} {person} from {place} writes what I think too: {opinion}",
        ),
        people=("Maria", "John", "Aisha", "Wei", "Olga", "Kofi", "Emily", "Carlos"),
        places=("Lisbon", "Chicago", "Lagos", "Mumbai", "Oslo", "Lima", "Leeds", "Hanoi"),
        numbers=("12", "47", "80", "135"),
        irrelevant=(
            "I am writing this on a Tuesday.",
            "The order number is on the invoice.",
            "We live two streets away.",
            "My sister has the same one in grey.",
        ),
    ),
    "pt": Words(
        affirmed=(
            "O {subject} foi {adjective}.",
            "Achei o {subject} {adjective}.",
            "É um {subject} realmente {adjective}.",
        ),
        negated=(
            "O {subject} não foi {adjective}.",
            "Não achei o {subject} {adjective}.",
            "Não é um {subject} realmente {adjective}.",
        ),
        subjects=("filme", "livro", "hotel", "atendimento", "produto"),
        good=("bom", "excelente", "agradável", "convincente"),
        bad=("ruim", "péssimo", "chato", "decepcionante"),
        framed=(
            "{person} e eu estivemos lá em {place}, e depois de {number} minutos ficou claro: {opinion}",
            "Na página {number}, {person}, de {place}, escreve o que eu também acho: {opinion}",
        ),
        people=("Maria", "João", "Beatriz", "Tiago", "Luíza", "Caetano", "Helena", "Davi"),
        places=("Lisboa", "Recife", "Luanda", "Curitiba", "Porto", "Belém", "Maputo", "Santos"),
        numbers=("12", "47", "80", "135"),
        irrelevant=(
            "Escrevo isto numa terça-feira.",
            "O número do pedido está na nota fiscal.",
            "Moramos a duas ruas daqui.",
            "Minha irmã tem um igual em cinza.",
        ),
    ),
}
