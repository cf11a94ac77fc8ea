"""The catalogue over HTTP: a front door that only calls `Studio`.

app.py       puts it together             hub.py       as huggingface_hub and diffusers ask
guard.py     tokens, rates                civitai.py   as scripts for Civitai ask
handing.py   files, in ranges             homes.py     as another workspace of Sosie asks
serve.py     runs it
"""
