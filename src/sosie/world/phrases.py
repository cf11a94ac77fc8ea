"""Word lists and templates of short texts, written for this purpose: no corpus was copied."""

from __future__ import annotations


def _split(words: str) -> tuple[str, ...]:
    return tuple(" ".join(w.split()) for w in words.split(","))


WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "name": _split(
            """Alice, Ben, Clara, David, Emma, Frank, Grace, Henry, Iris, Jack, Kate, Leo, Mary,
            Noah, Olive, Paul, Quentin, Rose, Sam, Tom, Una, Victor, Will, Xavier, Yvonne, Zoe,
            Max, Lucy, George, Helen, Felix, Ivy, Oscar, Ruth, Hugo, Nina"""
        ),
        "kin": _split(
            """mum, dad, grandma, grandpa, my sister, my brother, the children, our aunt, your
            uncle, cousin Jo, the neighbours, the twins, everybody, the whole family"""
        ),
        "day_name": _split("""Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday"""),
        "month": _split(
            """January, February, March, April, May, June, July, August, September, October,
            November, December"""
        ),
        "when": _split(
            """tonight, tomorrow, today, on Monday, on Sunday, next week, at noon, soon, this
            evening, in the morning, after lunch, before six, all summer, twice a week, again,
            next year, at half past two, just now"""
        ),
        "place": _split(
            """the station, the beach, the park, the market, the library, the garden, the zoo, the
            old bridge, the kitchen, the attic, school, work, home, Quebec, Oxford, the lake,
            the quay, the post office, the corner shop, the cafe, the yellow house, the
            pharmacy, Paris, Mexico, the village square"""
        ),
        "thing": _split(
            """bread, milk, the keys, two eggs, a box, the blue jacket, the map, my watch, the
            letter, a book, the radio, an umbrella, the photographs, your gloves, the quilt,
            some jam, a bunch of roses, the tickets, six apples, a pencil, the kettle, warm
            socks, the piano, fresh fish, a jar of honey, the wooden spoon, a puzzle, the violin"""
        ),
        "food": _split(
            """apple pie, onion soup, roast chicken, plum jam, pancakes, lemon tea, rice, black
            coffee, a sandwich, mushrooms, fried eggs, orange juice, ginger cake, pizza, yogurt,
            walnut bread, vegetables, salad"""
        ),
        "adjective": _split(
            """lovely, quiet, warm, excellent, long, happy, tiny, strange, kind, brave, dizzy,
            quick, lazy, jolly, vivid, great, simple, cold, grey, bright, hazy, wonderful"""
        ),
        "verb": _split(
            """call, write, wait, sing, bring the box, fix the lamp, walk the dog, rest, feed the
            cat, cook, water the plants, close the window, buy stamps, pay the rent, look for
            the key, wake up early, check the oven, swim, read, phone the doctor"""
        ),
        "weather": _split(
            """rain, snow, wind, sun, fog, frost, a storm, clear skies, thick clouds"""
        ),
        "number_word": _split(
            """two, three, four, five, six, seven, eight, nine, ten, twelve, twenty, fifty, a
            hundred, a thousand"""
        ),
    },
    "fr": {
        "name": _split(
            """Anaïs, Bruno, Chloé, Denis, Élise, François, Gaëlle, Hélène, Inès, Jérôme, Karine,
            Loïc, Maëlle, Noël, Océane, Pierre, Quentin, René, Solène, Théo, Ursule, Valérie,
            William, Xavier, Yves, Zoé, Aurélie, Benoît, Cécile, Gérard, Agnès, Joël, Agathe,
            Lætitia, Björn, Saül, Käthe"""
        ),
        "kin": _split(
            """maman, papa, mamie, papi, ma sœur, mon frère, les enfants, notre tante, ton oncle,
            la cousine, les voisins, les jumeaux, tout le monde, toute la famille"""
        ),
        "day_name": _split("""lundi, mardi, mercredi, jeudi, vendredi, samedi, dimanche"""),
        "month": _split(
            """janvier, février, mars, avril, mai, juin, juillet, août, septembre, octobre,
            novembre, décembre"""
        ),
        "when": _split(
            """ce soir, demain, aujourd'hui, lundi, dimanche, à midi, bientôt, à l’aube, la semaine
            prochaine, tôt le matin, après dîner, avant six heures, tout l’été, à Noël,
            après-demain, dès que possible, vers minuit, d’ici là"""
        ),
        "place": _split(
            """la gare, la plage, la forêt, le marché, la bibliothèque, le jardin, l’école, le
            vieux pont, la cuisine, le grenier, la maison, Besançon, Orléans, le lac, le
            château, l’hôpital, la poste, le théâtre, le café, l’île de Ré, la boîte aux
            lettres, le kiosque, la forêt, l’hôtel, la pâtisserie, le musée, Nîmes, L’Haÿ"""
        ),
        "thing": _split(
            """le pain, du lait, les clés, deux œufs, une boîte, la veste bleue, ma montre, la
            lettre, un livre, le parapluie, les photos, tes gants, la théière, de la confiture,
            un bouquet de lilas, les billets, six pêches, un crayon, le gâteau, des chaussettes,
            le piano, du maïs, un pot de miel, la clef du vélo, le journal, un stylo, les
            jumelles, l’échelle, la bûche, mes lunettes"""
        ),
        "food": _split(
            """une crêpe, la soupe à l’oignon, du poulet rôti, une tarte aux pommes, du thé, du
            riz, un café noir, des pâtes, un goûter, des champignons, du jus d’orange, le rôti,
            un yaourt, du pain d’épices, la ratatouille, des noix, le fromage frais, une pizza"""
        ),
        "adjective": _split(
            """belle, étrange, calme, légère, drôle, célèbre, jeune, rare, brève, tiède, longue,
            fière, exquise, naïve, simple, froide, magnifique, rêveuse, verte, agréable"""
        ),
        "verb": _split(
            """appeler, écrire, attendre, chanter, réparer la lampe, promener le chien, nourrir le
            chat, cuisiner, arroser les plantes, fermer la fenêtre, payer le loyer, chercher la
            clé, se lever tôt, vérifier le four, nager, relire la lettre, poster le colis,
            téléphoner au médecin, ranger le grenier, acheter des timbres"""
        ),
        "weather": _split(
            """la pluie, la neige, le vent, du soleil, du brouillard, le gel, l’orage, le ciel
            bleu, la grêle"""
        ),
        "number_word": _split(
            """deux, trois, quatre, cinq, six, sept, huit, neuf, dix, douze, vingt, cinquante,
            cent, mille"""
        ),
    },
}

TEMPLATES: dict[str, tuple[str, ...]] = {
    "en": (
        "see you {day_name}",
        "see you {when}",
        "Dear {name},",
        "Love, {name}",
        "for {kin}",
        "Happy birthday, {name}!",
        "{Verb} {when}",
        "don't forget {thing}",
        "Buy {thing}",
        "We went to {place}",
        "{name} was here",
        "{Thing} and {thing}",
        "A {adjective} day",
        "I'll {verb} {when}.",
        "Thank you for {thing}!",
        "{day_name} {day} {month}",
        "{month} {day}, {year}",
        "Meet me at {place}",
        "{Food}: {price}",
        "{count} x {food}",
        "lunch at {time}",
        "Back at {time}",
        "call {name}: {phone}",
        "page {count}, line {count}",
        "What about {food}?",
        "Where is {thing}?",
        "{Weather} {when}",
        "{name} & {name}",
        "to {kin} (with love)",
        "Recipe: {food}",
        "{number_word} or {number_word}?",
        "{adjective}, {adjective} and {adjective}",
        "No. {count} - {place}",
        "{percent} off {food}",
        "we miss you, {name}",
        "Is it {adjective}?",
        "wait for {name}; {verb}",
        "{Kin}, {when}",
        "{Adjective} weather in {place}",
        "P.S. {verb}",
        "Grandpa's {food}",
        "{place}, {short_date}",
        "total = {price}",
        "{name}'s birthday: {day}/{count}",
        "Keep {thing} for {name}",
        "to do: {verb}",
        "so {adjective}... {when}?",
        "{count} + {count}",
        "{name} said: ’no’",
        "between {time} and {time}",
        "Quick, {verb}!",
        "{thing} / {thing}",
        "{year} – {year}",
    ),
    "fr": (
        "à {day_name}",
        "rendez-vous {when}",
        "Chère {name},",
        "Ton ami, {name}",
        "pour {kin}",
        "Joyeux anniversaire, {name} !",
        "{Verb} {when}",
        "n’oublie pas {thing}",
        "Acheter {thing}",
        "Nous étions à {place}",
        "{Name} est passé",
        "{Thing} et {thing}",
        "Une {adjective} journée",
        "Je dois {verb}.",
        "Merci pour {thing} !",
        "{day_name} {day} {month}",
        "le {day} {month} {year}",
        "{Food} : {price}",
        "{count} x {food}",
        "déjeuner à {time}",
        "Retour à {time}",
        "appeler {name} : {phone}",
        "page {count}, ligne {count}",
        "{Thing}, où ça ?",
        "{Weather} {when}",
        "{name} & {name}",
        "à {kin} (je t’embrasse)",
        "Recette : {food}",
        "{number_word} ou {number_word} ?",
        "{adjective}, {adjective} et {adjective}",
        "n° {count}, {place}",
        "{percent} de moins",
        "tu nous manques, {name}",
        "Ça va, {name} ?",
        "attends {name} ; {verb}",
        "{Kin}, {when}",
        "« {adjective} »",
        "P.-S. {verb}",
        "{Place}, le {short_date}",
        "total = {price}",
        "Garde {thing}",
        "à faire : {verb}",
        "si {adjective}... {when} ?",
        "{count} + {count}",
        "entre {time} et {time}",
        "Vite, {verb} !",
        "{thing} / {thing}",
        "{year} – {year}",
        "Voilà {thing}",
        "Bientôt {month} !",
        "Où ça ? {Place}",
        "Très chère {name}",
        "Qu’est-ce que c’est ?",
        "« {verb} », dit {name}",
        "Noël {year}",
    ),
}
"""Short texts with {slots}; a slot with a capital begins with one."""
