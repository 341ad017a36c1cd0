"""The data plane: may this caller invoke this route?"""
