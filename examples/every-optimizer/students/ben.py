# %% left="make_nadam make_radam make_adafactor make_muon"
