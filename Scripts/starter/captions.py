"""What people might type to get a picture: captions drawn anew each time a picture is shown to the painter."""
import random
import re
from collections import Counter

ENGLISH_FRAMES = [
    "{}", "{}", "{}", "{}", "a {}", "a {}", "a {}", "the {}", "one {}", "{} emoji", "{} icon", "a picture of a {}", "a picture of {}",
    "an emoji of a {}", "a drawing of a {}", "an illustration of a {}", "an icon of a {}", "a photo of a {}", "a cute {}",
    "{} on a white background", "a small {}", "a beautiful {}", "please draw a {}", "draw me a {}", "show me a {}", "paint a {}",
]
CHINESE_FRAMES = [
    "{}", "{}", "{}", "{}", "{}", "一个{}", "一个{}", "一只{}", "一张{}的图片", "{}的图片", "{}表情", "{}图标", "画一个{}", "请画一个{}", "可爱的{}",
    "一幅{}的画",
]
LEADS = ["high quality", "best quality", "masterpiece,", "a painting of", "a sketch of", "a sticker of", "my", "this is", "some"]
TAILS = ["please", "4k", "highly detailed", "high quality", "masterpiece", "sticker", "clip art", "flat design", "3d", "simple", "cute",
         "white background", "isolated on white", "centered", "colorful", "digital art", "vector art", "cartoon", "illustration"]


def add_aliases(records: list[dict]) -> None:
    """Gives each record the further words that mean it alone: keywords no other picture has, names without "face"."""
    for names, keywords, aliases, ending in (("name", "keywords", "aliases", " face"), ("zh", "zh_keywords", "zh_aliases", "脸")):
        uses = Counter(word for record in records for word in {record[names], *record[keywords]})
        taken = {record[names] for record in records}
        for record in records:
            short = record[names].removesuffix(ending)
            shorts = [short] if short and short not in taken else []
            record[aliases] = shorts + [word for word in record[keywords] if uses[word] == 1 and word not in shorts]
            record["short" if names == "name" else "zh_short"] = shorts


def made_up_word(rng: random.Random) -> str:
    """A word that means nothing: the painter must learn to pass over what it does not know."""
    return "".join(rng.choice("bcdfghklmnprstvwy" if i % 2 else "aeiou") for i in range(rng.randint(2, 7)))


def choose_word(record: dict, rng: random.Random, name: str, short: str, aliases: str) -> str:
    """Mostly the name; now and then another word for the same thing."""
    if record[short] and rng.random() < 0.4:
        return record[short][0]
    if record[aliases] and rng.random() < 0.12:
        return rng.choice(record[aliases])
    return record[name]


def chinese_caption(record: dict, rng: random.Random) -> str:
    word = choose_word(record, rng, "zh", "zh_short", "zh_aliases")
    if record["zh_keywords"] and rng.random() < 0.1:
        return word + rng.choice(" ，") + rng.choice(record["zh_keywords"])
    if record["zh_keywords"] and rng.random() < 0.05:
        return rng.choice(record["zh_keywords"])
    return rng.choice(CHINESE_FRAMES).format(word)


def english_caption(record: dict, rng: random.Random, clean: bool = False) -> str:
    if record["keywords"] and rng.random() < 0.08:
        return rng.choice([", ", " "]).join(rng.sample(record["keywords"], min(len(record["keywords"]), rng.randint(1, 3))))
    text = rng.choice(ENGLISH_FRAMES).format(choose_word(record, rng, "name", "short", "aliases"))
    if rng.random() < 0.12:
        text = rng.choice(LEADS) + " " + text
    if rng.random() < 0.2:
        text += rng.choice([" ", ", "]) + ", ".join(rng.sample(TAILS, rng.randint(1, 3)))
    if not clean and rng.random() < 0.12:
        words = text.split(" ")
        words.insert(rng.randint(0, len(words)), made_up_word(rng))
        text = " ".join(words)
    if record["keywords"] and rng.random() < 0.12:
        text += ", " + rng.choice(record["keywords"])
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def caption(record: dict, rng: random.Random, chinese: float) -> str:
    """One caption, in Chinese with the given probability."""
    return chinese_caption(record, rng) if rng.random() < chinese else english_caption(record, rng)
